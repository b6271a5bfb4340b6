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
        (format!("producer-metrics:record-error-total:{client}"), number(stats.failed as f64)),
        (format!("producer-metrics:record-retry-total:{client}"), number(stats.retries as f64)),
        (format!("producer-metrics:record-send-rate:{client}"), per_second(stats.acked)),
        (format!("producer-metrics:record-send-total:{client}"), number(stats.acked as f64)),
        (format!("producer-metrics:requests-in-flight:{client}"), number(producer.in_flight_batches() as f64)),
        (format!("producer-topic-metrics:record-error-total:{per_topic}"), number(stats.failed as f64)),
        (format!("producer-topic-metrics:record-retry-total:{per_topic}"), number(stats.retries as f64)),
        (format!("producer-topic-metrics:record-send-total:{per_topic}"), number(stats.acked as f64)),
    ]);
    table(metrics)
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
    table(metrics)
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
fn table(mut metrics: Vec<Metric>) -> Vec<String> {
    const WIDEST: usize = 91;
    metrics.sort();
    let width = metrics.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(WIDEST);
    let mut lines = vec![String::new(), format!("{:<width$}   Value", "Metric Name")];
    lines.extend(metrics.into_iter().map(|(name, value)| format!("{name:<width$} : {value}")));
    lines
}
