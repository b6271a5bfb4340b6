//! The voters, and what each offset of the log says about them (`VoterSet`, `VoterSetHistory`).

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};

use super::ReplicaKey;
use crate::kafka::metadata::primitives::{Reader, put_string, put_uvarint};
use crate::kafka::metadata::record::RecordError;
use crate::kafka::names::{BrokerId, CONTROLLER_PORT, host_of};

/// The listener of controllers.
pub const CONTROLLER_LISTENER: &str = "CONTROLLER";

/// A voter and where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    pub key: ReplicaKey,
    pub host: String,
    pub port: u16,
}

/// Who votes, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoterSet(Vec<Voter>);

impl VoterSet {
    pub fn new(mut voters: Vec<Voter>) -> VoterSet {
        voters.sort_by_key(|voter| voter.key.id);
        VoterSet(voters)
    }

    /// Controllers on the hosts that their numbers name.
    pub fn of(keys: impl IntoIterator<Item = ReplicaKey>) -> VoterSet {
        VoterSet::new(keys.into_iter().map(|key| Voter { key, host: host_of(key.id), port: CONTROLLER_PORT }).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Voter> {
        self.0.iter()
    }

    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, id: BrokerId) -> Option<&Voter> {
        self.0.iter().find(|voter| voter.key.id == id)
    }

    pub fn is_voter(&self, key: ReplicaKey) -> bool {
        self.get(key.id).is_some_and(|voter| voter.key == key)
    }

    pub fn is_only(&self, key: ReplicaKey) -> bool {
        self.len() == 1 && self.is_voter(key)
    }

    /// More than half of them.
    pub fn majority(&self) -> u64 {
        self.len() / 2 + 1
    }

    pub fn with(&self, voter: Voter) -> VoterSet {
        let others = self.0.iter().filter(|other| other.key.id != voter.key.id).cloned();
        VoterSet::new(others.chain([voter.clone()]).collect())
    }

    pub fn without(&self, key: ReplicaKey) -> VoterSet {
        VoterSet(self.0.iter().filter(|voter| voter.key != key).cloned().collect())
    }

    /// VotersRecord, version 0.
    pub fn encode(&self) -> Bytes {
        let mut buf = BytesMut::new();
        buf.put_i16(0);
        put_uvarint(&mut buf, self.0.len() as u32 + 1);
        for voter in &self.0 {
            buf.put_i32(voter.key.id.0);
            buf.put_slice(voter.key.directory.as_bytes());
            put_uvarint(&mut buf, 2);
            put_string(&mut buf, CONTROLLER_LISTENER);
            put_string(&mut buf, &voter.host);
            buf.put_u16(voter.port);
            // The endpoint's tags; kraft.version 0 to 1, with its tags; the voter's tags.
            buf.put_slice(&[0, 0, 0, 0, 1, 0, 0]);
        }
        buf.put_u8(0);
        buf.freeze()
    }

    /// # Errors
    /// If the bytes are no VotersRecord.
    pub fn decode(value: Bytes) -> Result<VoterSet, RecordError> {
        let mut r = Reader(value);
        r.i16()?;
        let voters = r.array(|r| {
            let (id, directory) = (BrokerId(r.i32()?), r.uuid()?);
            let endpoints = r.array(|r| {
                let (_name, host, port) = (r.string()?, r.string()?, r.i16()?.cast_unsigned());
                r.tags(|_, _| Ok(()))?;
                Ok((host, port))
            })?;
            let (_min, _max) = (r.i16()?, r.i16()?);
            r.tags(|_, _| Ok(()))?;
            r.tags(|_, _| Ok(()))?;
            let (host, port) = endpoints.into_iter().next().ok_or(RecordError::Malformed("a voter without an endpoint"))?;
            Ok(Voter { key: ReplicaKey { id, directory }, host, port })
        })?;
        Ok(VoterSet::new(voters))
    }
}

/// What the log says about the voters, by the offset of the record that says it; -1 is the first snapshot.
#[derive(Clone, Debug, Default)]
pub struct VoterHistory(BTreeMap<i64, VoterSet>);

impl VoterHistory {
    /// The set that counts: a record does as soon as it is in the log, committed or not.
    pub fn last(&self) -> Option<&VoterSet> {
        self.0.values().next_back()
    }

    /// Where the set that counts stands in the log.
    pub fn last_offset(&self) -> i64 {
        self.0.keys().next_back().copied().unwrap_or(-1)
    }

    /// The set as of what lies before `offset`.
    pub fn before(&self, offset: i64) -> Option<&VoterSet> {
        self.0.range(..offset).next_back().map(|(_, voters)| voters)
    }

    pub fn add(&mut self, offset: i64, voters: VoterSet) {
        self.0.insert(offset, voters);
    }

    /// The log was cut back to `end`.
    pub fn truncate(&mut self, end: i64) {
        self.0.retain(|&offset, _| offset < end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(id: i32, directory: u128) -> ReplicaKey {
        ReplicaKey { id: BrokerId(id), directory: Uuid::from_u128(directory) }
    }

    /// The value that Apache Kafka 4.3.1 wrote (golden/logs/cluster-metadata, offset 2).
    #[test]
    fn the_record_is_kafkas() {
        let directory = 0x2445d8e9aab3418fb7d8fe534adcda16;
        let bytes = VoterSet::of([key(1, directory)]).encode();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "0000020000000124\
             45d8e9aab3418fb7d8fe534adcda16020b434f4e54524f4c4c4552086b61666b612d312385000000000100000\
             0"
        );
        assert_eq!(VoterSet::decode(bytes).unwrap(), VoterSet::of([key(1, directory)]));
    }

    #[test]
    fn what_was_cut_off_no_longer_counts() {
        let mut history = VoterHistory::default();
        history.add(-1, VoterSet::of([key(1, 1)]));
        history.add(7, VoterSet::of([key(1, 1), key(2, 2)]));
        assert_eq!(history.last().unwrap().majority(), 2);
        assert_eq!(history.before(7).unwrap().len(), 1);
        history.truncate(7);
        assert!(history.last().unwrap().is_only(key(1, 1)));
        assert_eq!(history.last_offset(), -1);
    }
}
