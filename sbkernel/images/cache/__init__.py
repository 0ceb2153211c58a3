"""What lies in cache/, all of it made again when it is needed: listed, and removed by one rule and within a budget.

Each kind is removed with the lock that its own users take. Must not touch versions, logs, jobs: rollout/versions/gc.py.
"""
