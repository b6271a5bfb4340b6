//! Record batches (magic 2): our own codec, with everything that Apache Kafka writes.
