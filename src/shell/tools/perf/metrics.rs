//! `--print-metrics` (`ToolsUtils.printMetrics`): of the metrics of Kafka's clients, those that are counted here too.

use crate::kafka::client::producer::Producer;
use crate::sim::time::Time;

/// The commit of Apache Kafka 4.3.1, whose clients these are.
const COMMIT_ID: &str = "26b251a451ce941d";

/// A metric: group, name and tags as they are shown, and its value.
type Metric = (String, String);

/// The metrics of a producer.
pub fn of_producer(producer: &Producer, client_id: &str, topic: &str, started: Time, now: Time) -> Vec<String> {
    let (stats, client) = (producer.stats(), format!("{{client-id={client_id}}}"));
    let per_topic = format!("{{client-id={client_id}, topic={topic}}}");
    let per_second = |count: u64| number(1_000.0 * count as f64 / (now.since(started).as_ms().max(1)) as f64);
    let mut metrics: Vec<Metric> = app_info(client_id, started);
    metrics.extend([
        (
            format!("producer-metrics:buffer-available-bytes:{client}"),
            number((producer.config().buffer_memory - producer.buffered_bytes()) as f64),
        ),
        (format!("producer-metrics:buffer-total-bytes:{client}"), number(producer.config().buffer_memory as f64)),
        (format!("producer-metrics:produce-throttle-time-avg:{client}"), number(stats.throttled_ms as f64 / stats.answers.max(1) as f64)),
        (format!("producer-metrics:produce-throttle-time-max:{client}"), number(stats.most_throttled_ms as f64)),
        (format!("producer-metrics:record-error-total:{client}"), number(stats.failed as f64)),
        (format!("producer-metrics:record-retry-total:{client}"), number(stats.retries as f64)),
        (format!("producer-metrics:record-send-rate:{client}"), per_second(stats.acked)),
        (format!("producer-metrics:record-send-total:{client}"), number(stats.acked as f64)),
        (format!("producer-metrics:requests-in-flight:{client}"), number(producer.in_flight_batches() as f64)),
        (format!("producer-topic-metrics:record-error-total:{per_topic}"), number(stats.failed as f64)),
        (format!("producer-topic-metrics:record-retry-total:{per_topic}"), number(stats.retries as f64)),
        (format!("producer-topic-metrics:record-send-total:{per_topic}"), number(stats.acked as f64)),
    ]);
    metrics.extend(traffic(producer, client_id, now));
    let batches = producer.sent_bytes().clone().measure(now.as_ms()).0;
    metrics.push((format!("producer-topic-metrics:byte-rate:{per_topic}"), number(batches)));
    table(client_id, metrics)
}

/// Bytes a second, in all and by node.
fn traffic(producer: &Producer, client_id: &str, now: Time) -> Vec<Metric> {
    let (mut metrics, mut total) = (Vec::new(), [0.0; 2]);
    for (node, traffic) in producer.traffic() {
        for (n, (way, rate)) in [("incoming", &traffic.received), ("outgoing", &traffic.sent)].into_iter().enumerate() {
            let rate = rate.clone().measure(now.as_ms()).0;
            total[n] += rate;
            let tags = format!("{{client-id={client_id}, node-id=node-{node}}}");
            metrics.push((format!("producer-node-metrics:{way}-byte-rate:{tags}"), number(rate)));
        }
    }
    for (way, total) in ["incoming", "outgoing"].into_iter().zip(total) {
        metrics.push((format!("producer-metrics:{way}-byte-rate:{{client-id={client_id}}}"), number(total)));
    }
    metrics
}

/// The metrics of a consumer that has read so much.
pub fn of_consumer(client_id: &str, records: u64, bytes: u64, started: Time, now: Time) -> Vec<String> {
    let client = format!("{{client-id={client_id}}}");
    let per_second = |count: u64| number(1_000.0 * count as f64 / (now.since(started).as_ms().max(1)) as f64);
    let mut metrics: Vec<Metric> = app_info(client_id, started);
    metrics.extend([
        (format!("consumer-fetch-manager-metrics:bytes-consumed-rate:{client}"), per_second(bytes)),
        (format!("consumer-fetch-manager-metrics:bytes-consumed-total:{client}"), number(bytes as f64)),
        (format!("consumer-fetch-manager-metrics:records-consumed-rate:{client}"), per_second(records)),
        (format!("consumer-fetch-manager-metrics:records-consumed-total:{client}"), number(records as f64)),
    ]);
    table(client_id, metrics)
}

fn app_info(client_id: &str, started: Time) -> Vec<Metric> {
    let version = crate::shell::tools::kafka::VERSION;
    vec![
        (format!("app-info:commit-id:{{client-id={client_id}}}"), COMMIT_ID.to_owned()),
        (format!("app-info:start-time-ms:{{client-id={client_id}}}"), started.wall_ms().to_string()),
        (format!("app-info:version:{{client-id={client_id}}}"), version.to_owned()),
    ]
}

fn number(value: f64) -> String {
    format!("{value:.3}")
}

/// Names are as wide as the widest of a client's: a producer's and a consumer's metrics of a node.
fn table(client_id: &str, mut metrics: Vec<Metric>) -> Vec<String> {
    const WIDEST: usize = 71;
    metrics.sort();
    let width = metrics.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(WIDEST + client_id.len());
    let mut lines = vec![String::new(), format!("{:<width$}   Value", "Metric Name")];
    lines.extend(metrics.into_iter().map(|(name, value)| format!("{name:<width$} : {value}")));
    lines
}
