"""RPM packages: rpm's database, and the records of dnf and zypper (rpm(8), rpm-version(7))."""
