"""RPM packages: rpm's database, and the books of dnf and zypper (rpm(8), rpm-version(7))."""
