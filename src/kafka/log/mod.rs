//! A partition on disk: segments, indexes, leader epochs, recovery.
