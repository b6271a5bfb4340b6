//! Clients: network client, metadata, producer, consumer, admin.
