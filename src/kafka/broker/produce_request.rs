//! What a Produce request must be as a whole, before any partition is looked at (`KafkaApis.handleProduceRequest`,
//! `ReplicaManager.isValidRequiredAcks`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use crate::kafka::log::validator::Refused;
use crate::kafka::protocol::frame::{Batches, Corrupt};

/// The error that all partitions of a request get, of which nothing is written then.
pub(super) fn refused_as_a_whole(request: &ProduceRequest, batches: &[Batches], corrupt: Option<&Corrupt>) -> Option<Refused> {
    if let Some(Corrupt::Request(message)) = corrupt {
        return Some(Refused { message: message.clone(), ..ResponseError::CorruptMessage.into() });
    }
    if request.transactional_id.is_none() && batches.iter().flatten().any(|batch| batch.info.is_transactional()) {
        return Some(ResponseError::TransactionalIdAuthorizationFailed.into());
    }
    (!(-1..=1).contains(&request.acks)).then(|| ResponseError::InvalidRequiredAcks.into())
}

/// Whether something behind the first batch of a partition is none.
pub(super) fn is_corrupt(batches: &Batches, corrupt: Option<&Corrupt>) -> bool {
    matches!((batches.first(), corrupt), (Some(first), Some(Corrupt::Partitions(firsts))) if firsts.contains(&first.body.id()))
}

/// The answer to it.
pub(super) fn refusal(request: &ProduceRequest, refused: &Refused) -> ProduceResponse {
    let topics = request.topic_data.iter().map(|topic| {
        let partitions = topic.partition_data.iter().map(|data| {
            let answer = PartitionProduceResponse::default().with_index(data.index).with_error_code(refused.error.code());
            let message = refused.message.clone().map(Into::into);
            answer.with_error_message(message).with_base_offset(-1).with_log_append_time_ms(-1)
        });
        TopicProduceResponse::default().with_topic_id(topic.topic_id).with_partition_responses(partitions.collect())
    });
    ProduceResponse::default().with_responses(topics.collect())
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::messages::RequestHeader;
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::protocol::Encodable;

    use super::*;
    use crate::kafka::log::config::LogConfig;
    use crate::kafka::log::partition_log::PartitionLog;
    use crate::kafka::log::producer_state::Origin;
    use crate::kafka::protocol::api::{Api, Request};
    use crate::kafka::protocol::codec::decode_request;
    use crate::kafka::protocol::frame::{Body, Frame};
    use crate::kafka::records::batch::Batch;
    use crate::kafka::records::builder::BatchBuilder;
    use crate::kafka::records::compression::CompressionType;
    use crate::kafka::records::crc::crc32c;
    use crate::kafka::records::varint::{write_varint, write_varlong};
    use crate::sim::chunk::ChunkId;
    use crate::sim::disk::Disk;
    use crate::sim::process::{ChunkIds, ProcessId, Store};
    use crate::sim::time::Time;

    #[test]
    fn what_is_refused_whoever_asks() {
        let batches = |transactional: bool| {
            let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
            builder.set_transactional(transactional);
            builder.append(0, None, Some(b"v"), &[]);
            vec![vec![builder.build(ChunkId(1))]]
        };
        let request = |acks| ProduceRequest::default().with_acks(acks);
        for acks in -1..=1 {
            assert_eq!(refused_as_a_whole(&request(acks), &batches(false), None), None);
        }
        for acks in [-2, 2, 7] {
            assert_eq!(refused_as_a_whole(&request(acks), &batches(false), None), Some(ResponseError::InvalidRequiredAcks.into()));
        }
        let error = refused_as_a_whole(&request(1).with_transactional_id(None), &batches(true), None);
        assert_eq!(error, Some(ResponseError::TransactionalIdAuthorizationFailed.into()));
    }

    /// A batch as a client of its own makes it, of which one thing may be wrong.
    struct Raw {
        records: Vec<u8>,
        base: i64,
        count: i32,
        last: i32,
        attributes: i16,
        base_timestamp: i64,
        max_timestamp: i64,
        magic: u8,
        good_crc: bool,
        producer: (i64, i16, i32),
    }

    impl Default for Raw {
        fn default() -> Raw {
            let (records, base_timestamp, max_timestamp) = (record(0, 0, true), 0, 0);
            let (base, count, last, attributes, magic, good_crc, producer) = (0, 1, 0, 0, 2, true, (-1, -1, -1));
            Raw { records, base, count, last, attributes, base_timestamp, max_timestamp, magic, good_crc, producer }
        }
    }

    impl Raw {
        fn bytes(self) -> Vec<u8> {
            let mut tail = Vec::new();
            tail.extend(self.attributes.to_be_bytes());
            tail.extend(self.last.to_be_bytes());
            tail.extend(self.base_timestamp.to_be_bytes());
            tail.extend(self.max_timestamp.to_be_bytes());
            tail.extend(self.producer.0.to_be_bytes());
            tail.extend(self.producer.1.to_be_bytes());
            tail.extend(self.producer.2.to_be_bytes());
            tail.extend(self.count.to_be_bytes());
            tail.extend(self.records);
            let mut bytes = self.base.to_be_bytes().to_vec();
            bytes.extend((tail.len() as i32 + 9).to_be_bytes());
            bytes.extend((-1_i32).to_be_bytes());
            bytes.push(self.magic);
            bytes.extend((crc32c(&tail) ^ u32::from(!self.good_crc)).to_be_bytes());
            bytes.extend(tail);
            bytes
        }
    }

    fn record(delta: i32, timestamp_delta: i64, keyed: bool) -> Vec<u8> {
        let mut fields = vec![0];
        write_varlong(&mut fields, timestamp_delta);
        write_varint(&mut fields, delta);
        fields.extend(if keyed { &[2, b'k'][..] } else { &[1] });
        fields.extend([6, b'v', b'a', b'l', 0]);
        let mut record = Vec::new();
        write_varint(&mut record, fields.len() as i32);
        record.extend(fields);
        record
    }

    /// A request with these bytes for partitions of one topic, as it comes from a connection.
    fn received(partitions: Vec<Vec<u8>>, ids: &mut dyn FnMut() -> ChunkId) -> Frame {
        let data = |records: Vec<u8>| PartitionProduceData::default().with_records(Some(records.into()));
        let topic = TopicProduceData::default().with_partition_data(partitions.into_iter().map(data).collect());
        let request = ProduceRequest::default().with_acks(1).with_topic_data(vec![topic]);
        let version = Api::Produce.version();
        let mut bytes = BytesMut::new();
        let header = RequestHeader::default().with_request_api_key(0).with_request_api_version(version);
        header.encode(&mut bytes, Api::Produce.request_header_version(version)).unwrap();
        request.encode(&mut bytes, version).unwrap();
        decode_request(bytes.freeze(), ids).unwrap()
    }

    /// What a broker answers to these bytes: error, offset, record errors, message.
    fn answer(records: Vec<u8>, log: &mut PartitionLog, store: &mut Store) -> String {
        let frame = received(vec![records], &mut || store.ids.next_id());
        let mut batches = frame.batches;
        let Body::Request { request: Request::Produce(request), .. } = frame.body else { unreachable!() };
        let refused = refused_as_a_whole(&request, &batches, frame.corrupt.as_deref());
        let outcome = refused.map_or(Ok(()), Err).and_then(|()| {
            if is_corrupt(&batches[0], frame.corrupt.as_deref()) {
                return Err(ResponseError::CorruptMessage.into());
            }
            let [batch] = <[Batch; 1]>::try_from(batches.remove(0)).map_err(|_| ResponseError::InvalidRecord)?;
            log.append(batch, 0, Origin::Client, store)
        });
        match outcome {
            Ok(appended) => format!("0 at {}", appended.base_offset),
            Err(Refused { error, message, records }) => {
                let records: String = records.iter().map(|(index, said)| format!(" [{index}: {said}]")).collect();
                format!("{}{records} {}", error.code(), message.as_deref().unwrap_or("null"))
            }
        }
    }

    /// A first batch that is none is everybody's, a later one its partition's only.
    #[test]
    fn whom_bytes_that_are_no_batch_concern() {
        let good = || Raw::default().bytes();
        let garbage = [&[0; 8][..], &5000_i32.to_be_bytes(), &b"abc".repeat(20)].concat();
        let behind = || [good(), garbage.clone()].concat();
        let mut last = 0;
        let mut next = || {
            last += 1;
            ChunkId(last)
        };
        let frame = received(vec![good(), behind(), good(), behind()], &mut next);
        let Body::Request { request: Request::Produce(request), .. } = &frame.body else { unreachable!() };
        assert_eq!(refused_as_a_whole(request, &frame.batches, frame.corrupt.as_deref()), None);
        let corrupt: Vec<bool> = frame.batches.iter().map(|batches| is_corrupt(batches, frame.corrupt.as_deref())).collect();
        assert_eq!(corrupt, [false, true, false, true]);
        let frame = received(vec![good(), behind(), garbage.clone()], &mut next);
        assert!(matches!(frame.corrupt.as_deref(), Some(Corrupt::Request(Some(_)))));
    }

    /// Each as the real broker answered the same bytes, and nothing of what it refused is stored.
    #[test]
    fn what_a_client_may_send() {
        let (mut disk, mut ids) = (Disk::new(1 << 20), 0);
        let ids = ChunkIds::new(ProcessId(0), &mut ids);
        let mut store = Store { now: Time::ZERO, disk: &mut disk, ids };
        let now = store.now.wall_ms();
        let mut log = PartitionLog::create("orders-0", Default::default(), &mut store);
        let raw = || Raw { base_timestamp: now, max_timestamp: now, ..Raw::default() };
        let far = 100_000_000_000;
        let late = format!(
            "32 [0: Timestamp {} of message with offset 0 is out of range. The timestamp should be within [{}, {}]] \
             One or more records have been rejected due to invalid timestamp",
            now + far,
            now.wrapping_sub(i64::MAX),
            now + 3_600_000
        );
        let two = [record(0, 0, true), record(1, 0, true)].concat();
        let cut = |mut bytes: Vec<u8>| {
            bytes.truncate(bytes.len() - 3);
            bytes
        };
        let tiny = [&[0; 8][..], &3_i32.to_be_bytes(), b"abc"].concat();
        let beyond = [&[0; 8][..], &5000_i32.to_be_bytes(), &b"abc".repeat(20)].concat();
        let producer = |producer| Raw { producer, ..raw() }.bytes();
        let cases: Vec<(&str, Vec<u8>, &str)> = vec![
            ("good", raw().bytes(), "0 at 0"),
            ("base offset 5", Raw { base: 5, ..raw() }.bytes(), "87 null"),
            ("wrong crc", Raw { good_crc: false, ..raw() }.bytes(), "2 null"),
            ("garbage record", Raw { records: vec![0xff; 10], ..raw() }.bytes(), "-1 null"),
            ("count 2, one record", Raw { count: 2, last: 1, ..raw() }.bytes(), "87 null"),
            ("count 1, two records", Raw { records: two, ..raw() }.bytes(), "87 null"),
            ("record delta 7", Raw { records: record(7, 0, true), ..raw() }.bytes(), "0 at 1"),
            ("record far, header not", Raw { records: record(0, far, true), ..raw() }.bytes(), &late),
            ("record far, header too", Raw { records: record(0, far, true), max_timestamp: now + far, ..raw() }.bytes(), &late),
            ("two batches", [raw().bytes(), raw().bytes()].concat(), "87 null"),
            ("a batch, and none", [raw().bytes(), beyond.clone()].concat(), "2 null"),
            ("magic 1", Raw { magic: 1, ..raw() }.bytes(), "87 null"),
            ("magic 3", Raw { magic: 3, ..raw() }.bytes(), "2 Invalid magic found in record: 3"),
            ("truncated", cut(raw().bytes()), "87 null"),
            ("empty", Vec::new(), "87 null"),
            ("codec 6", Raw { attributes: 6, ..raw() }.bytes(), "-1 null"),
            ("gzip that is none", Raw { attributes: 1, ..raw() }.bytes(), "-1 null"),
            ("log append time flag", Raw { attributes: 8, ..raw() }.bytes(), "0 at 2"),
            ("transactional without id", Raw { attributes: 16, producer: (1, 0, 0), ..raw() }.bytes(), "53 null"),
            ("control", Raw { attributes: 32, ..raw() }.bytes(), "87 null"),
            ("no sequence", producer((5, 0, -1)), "87 null"),
            ("sequence 5 first", producer((77, 0, 5)), "0 at 3"),
            ("then 9", producer((77, 0, 9)), "45 null"),
            ("reserved bits", Raw { attributes: 1 << 9, ..raw() }.bytes(), "0 at 4"),
            ("tiny size", tiny, "2 Record size 3 is less than the minimum record overhead (14)"),
            ("size beyond", beyond, "2 Invalid magic found in record: 98"),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(answer(bytes, &mut log, &mut store), expected, "{name}");
        }
        assert_eq!(log.log_end_offset(), 5);
        // What the head said of its records' times, where they say otherwise, is put right.
        answer(Raw { max_timestamp: now + 9, attributes: 8, ..raw() }.bytes(), &mut log, &mut store);
        let stored = log.tail(i64::MAX).next().unwrap().info;
        assert_eq!((stored.attributes, stored.max_timestamp), (0, now + 9));
        answer(Raw { max_timestamp: now + 9, ..raw() }.bytes(), &mut log, &mut store);
        assert_eq!(log.tail(i64::MAX).next().unwrap().info.max_timestamp, now);

        let config = LogConfig { compact: true, ..LogConfig::default() };
        let mut compacted = PartitionLog::create("comp-0", config.into(), &mut store);
        let said = "Compacted topic cannot accept message without key in topic partition comp-0";
        let expected = format!(
            "87 [0: {said}] One or more records have been rejected due to 1 record errors in total, and only showing the first three \
             errors at most: [RecordError(batchIndex=0, message='{said}')]"
        );
        assert_eq!(answer(Raw { records: record(0, 0, false), ..raw() }.bytes(), &mut compacted, &mut store), expected);
    }
}
