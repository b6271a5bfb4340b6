//! What a metadata record means, as an event.

use crate::kafka::event::Event;
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::{MetadataRecord, PartitionChange};
use crate::kafka::names::{BrokerId, TopicPartition};

/// The event of a record that changes a partition, a topic or a configuration. `before`: the image without it. (Brokers' comings and goings
/// are reported where they are decided, since only there the reason is known.)
pub fn event_of(record: &MetadataRecord, before: &Image) -> Option<Event> {
    match record {
        MetadataRecord::PartitionChange(change) => partition_event(change, before),
        MetadataRecord::RemoveTopic { topic_id } => {
            before.topic_by_id(*topic_id).map(|topic| Event::TopicDeleted { topic: topic.name.clone() })
        }
        MetadataRecord::Config { resource_name, name, value, .. } => Some(Event::ConfigChanged {
            resource: resource_name.as_str().into(),
            name: name.as_str().into(),
            value: value.as_deref().map(Into::into),
        }),
        _ => None,
    }
}

fn partition_event(change: &PartitionChange, before: &Image) -> Option<Event> {
    let topic = before.topic_by_id(change.topic_id)?;
    let old = topic.partition(change.partition_id)?;
    let new = old.merge(change);
    let partition = TopicPartition { topic: topic.name.clone(), partition: change.partition_id };
    let isr = new.isr.iter().map(|&replica| BrokerId(replica)).collect();
    if new.leader != old.leader {
        let unclean = new.recovering && !old.recovering;
        let (leader, before) = (new.leader().map(BrokerId), old.leader().map(BrokerId));
        return Some(Event::LeaderElected { partition, leader, before, leader_epoch: new.leader_epoch, isr, unclean });
    }
    if new.isr != old.isr {
        let before = old.isr.iter().map(|&replica| BrokerId(replica)).collect();
        return Some(Event::IsrChanged { partition, before, isr, leader_epoch: new.leader_epoch });
    }
    None
}
