//! Brokers and controllers, as they register.

use bytes::{BufMut, BytesMut};
use uuid::Uuid;

use super::RecordError;
use crate::kafka::metadata::primitives::{Reader, Tags, put_nullable, put_string, put_uuids, put_uvarint};

/// A listener's name, and where it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerEndpoint {
    pub listener: String,
    pub host: String,
    pub port: u16,
    /// `SecurityProtocol.id`: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    pub security: i16,
}

/// `DirectoryId.LOST`: the replica was in a directory that the broker no longer has.
pub const LOST: Uuid = Uuid::from_u128(1);

/// A feature, with the lowest and the highest level that a node supports.
pub type SupportedFeature = (String, i16, i16);

/// RegisterControllerRecord, version 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerRegistration {
    pub id: i32,
    pub incarnation: Uuid,
    pub endpoints: Vec<BrokerEndpoint>,
    pub features: Vec<SupportedFeature>,
}

/// RegisterBrokerRecord, version 4; in an image, with what has changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRegistration {
    pub id: i32,
    pub incarnation: Uuid,
    pub epoch: i64,
    pub endpoints: Vec<BrokerEndpoint>,
    pub features: Vec<SupportedFeature>,
    pub rack: Option<String>,
    pub fenced: bool,
    pub in_controlled_shutdown: bool,
    /// The ids of its log directories that work.
    pub log_dirs: Vec<Uuid>,
    /// Of those, what gets no new replicas (KIP-1066); `None` until the broker has said.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl BrokerRegistration {
    /// Where its listener of that name is; `None` if it has none of that name.
    pub fn endpoint(&self, listener: &str) -> Option<&BrokerEndpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.listener == listener)
    }

    /// Whether a new replica has a place there: not every directory is cordoned.
    pub fn has_uncordoned_dirs(&self) -> bool {
        let cordoned = |id: &Uuid| self.cordoned_log_dirs.as_ref().is_some_and(|cordoned| cordoned.contains(id));
        self.log_dirs.is_empty() || !self.log_dirs.iter().all(cordoned)
    }

    /// Whether a log directory of it works, as far as it has said: one that is not known yet may (`hasOnlineDir`).
    pub fn has_online_dir(&self, directory: Uuid) -> bool {
        // Ids below 100 are reserved: UNASSIGNED, MIGRATING; LOST is the one that never works.
        if directory.as_u128() < 100 { directory != LOST } else { self.log_dirs.contains(&directory) }
    }

    pub(super) fn put(&self, buf: &mut BytesMut) {
        buf.put_i32(self.id);
        buf.put_u8(0);
        buf.put_slice(self.incarnation.as_bytes());
        buf.put_i64(self.epoch);
        put_endpoints(buf, &self.endpoints);
        put_features(buf, &self.features);
        put_nullable(buf, self.rack.as_deref());
        buf.put_u8(u8::from(self.fenced));
        buf.put_u8(u8::from(self.in_controlled_shutdown));
        Tags::default().with(0, |buf| put_uuids(buf, &self.log_dirs)).some(1, self.cordoned_log_dirs.as_deref(), put_uuids).put(buf);
    }

    pub(super) fn read(r: &mut Reader, version: u32) -> Result<BrokerRegistration, RecordError> {
        let id = r.i32()?;
        if version >= 2 {
            // isMigratingZkBroker
            r.u8()?;
        }
        let (incarnation, epoch) = (r.uuid()?, r.i64()?);
        let (endpoints, features) = (read_endpoints(r)?, read_features(r)?);
        let (rack, fenced) = (r.nullable()?, r.u8()? == 1);
        let in_controlled_shutdown = version >= 1 && r.u8()? == 1;
        let (mut log_dirs, mut cordoned_log_dirs) = (Vec::new(), None);
        r.tags(|tag, r| {
            match tag {
                0 => log_dirs = r.uuids()?,
                1 => cordoned_log_dirs = Some(r.uuids()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(BrokerRegistration {
            id,
            incarnation,
            epoch,
            endpoints,
            features,
            rack,
            fenced,
            in_controlled_shutdown,
            log_dirs,
            cordoned_log_dirs,
        })
    }
}

impl ControllerRegistration {
    pub(super) fn put(&self, buf: &mut BytesMut) {
        buf.put_i32(self.id);
        buf.put_slice(self.incarnation.as_bytes());
        // zkMigrationReady
        buf.put_u8(0);
        put_endpoints(buf, &self.endpoints);
        put_features(buf, &self.features);
        Tags::default().put(buf);
    }

    pub(super) fn read(r: &mut Reader) -> Result<ControllerRegistration, RecordError> {
        let (id, incarnation, _zk_migration_ready) = (r.i32()?, r.uuid()?, r.u8()?);
        let (endpoints, features) = (read_endpoints(r)?, read_features(r)?);
        r.tags(|_, _| Ok(()))?;
        Ok(ControllerRegistration { id, incarnation, endpoints, features })
    }
}

fn put_endpoints(buf: &mut BytesMut, endpoints: &[BrokerEndpoint]) {
    put_uvarint(buf, endpoints.len() as u32 + 1);
    for endpoint in endpoints {
        put_string(buf, &endpoint.listener);
        put_string(buf, &endpoint.host);
        buf.put_u16(endpoint.port);
        buf.put_i16(endpoint.security);
        Tags::default().put(buf);
    }
}

fn read_endpoints(r: &mut Reader) -> Result<Vec<BrokerEndpoint>, RecordError> {
    r.array(|r| {
        let (listener, host, port, security) = (r.string()?, r.string()?, r.i16()?.cast_unsigned(), r.i16()?);
        r.tags(|_, _| Ok(()))?;
        Ok(BrokerEndpoint { listener, host, port, security })
    })
}

fn put_features(buf: &mut BytesMut, features: &[SupportedFeature]) {
    put_uvarint(buf, features.len() as u32 + 1);
    for (name, min, max) in features {
        put_string(buf, name);
        buf.put_i16(*min);
        buf.put_i16(*max);
        Tags::default().put(buf);
    }
}

fn read_features(r: &mut Reader) -> Result<Vec<SupportedFeature>, RecordError> {
    r.array(|r| {
        let feature = (r.string()?, r.i16()?, r.i16()?);
        r.tags(|_, _| Ok(()))?;
        Ok(feature)
    })
}
