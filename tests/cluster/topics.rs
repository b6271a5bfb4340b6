//! What a test of topics does to a cluster and sees of it.

use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{CreateTopicsRequest, ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use ottla::kafka::names::TopicPartition;
use ottla::kafka::protocol::api::Response;
use ottla::kafka::records::builder::BatchBuilder;
use ottla::kafka::records::compression::CompressionType;
use ottla::sim::chunk::ChunkId;

use super::World;

impl World {
    /// A topic with the defaults, and half a second for it to be there.
    pub fn create(&mut self, topic: &str, partitions: i32, factor: i16) {
        let topic = CreatableTopic::default()
            .with_name(TopicName(StrBytes::from_string(topic.into())))
            .with_num_partitions(partitions)
            .with_replication_factor(factor);
        self.ask(1, CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000), vec![]);
        self.run(500);
    }

    /// Who leads its partition 0, as this broker knows.
    pub fn leader(&self, topic: &str, on: i32) -> i32 {
        self.broker(on).image().partition(&TopicPartition::new(topic, 0)).unwrap().leader
    }

    /// A record for its partition 0, sent to that broker.
    pub fn produce(&mut self, to: i32, topic: &str, text: &str, acks: i16) {
        self.produce_batch(to, topic, &[text], acks);
    }

    /// Records in one batch.
    pub fn produce_batch(&mut self, to: i32, topic: &str, texts: &[&str], acks: i16) {
        let id = self.broker(to).image().topic(topic).unwrap().id;
        let mut builder = BatchBuilder::new(CompressionType::None, 1 << 20);
        for text in texts {
            builder.append(self.sim.now().wall_ms(), None, Some(text.as_bytes()), &[]);
        }
        self.chunks += 1;
        let batch = builder.build(ChunkId(1 << 60 | self.chunks));
        let topic = TopicProduceData::default().with_topic_id(id).with_partition_data(vec![PartitionProduceData::default()]);
        let request = ProduceRequest::default().with_acks(acks).with_timeout_ms(30_000).with_topic_data(vec![topic]);
        self.ask(to, request, vec![vec![batch]]);
    }

    /// What lies in a broker's partition 0.
    pub fn values(&self, broker: i32, topic: &str) -> Vec<Bytes> {
        let partition = self.broker(broker).replicas().get(&TopicPartition::new(topic, 0)).unwrap();
        let batches = partition.log.read_to(0, i64::MAX).unwrap();
        let values = |batch: &ottla::kafka::records::batch::Batch| -> Vec<Bytes> {
            batch.records().unwrap().iter().map(|record| Bytes::copy_from_slice(record.unwrap().value.unwrap())).collect()
        };
        batches.iter().flat_map(values).collect()
    }

    /// The ISR of its partition 0, as this broker knows.
    pub fn isr(&self, topic: &str, on: i32) -> Vec<i32> {
        self.broker(on).image().partition(&TopicPartition::new(topic, 0)).unwrap().isr.clone()
    }

    /// What the produce requests were answered, in order.
    pub fn produce_errors(&self) -> Vec<i16> {
        let errors = self.answers().into_iter().filter_map(|(_, answer)| match answer {
            Response::Produce(response) => Some(response.responses[0].partition_responses[0].error_code),
            _ => None,
        });
        errors.collect()
    }
}
