//! Ceph: the driver by the suite that all pass, whole operations, and a cluster that fails.
