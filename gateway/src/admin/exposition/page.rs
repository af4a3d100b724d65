//! Metric families and their samples, and the text that Prometheus reads.

use prometheus::{
    TextEncoder,
    proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType},
};

use crate::metrics::Histograms;

/// A label's name and value.
pub type Label<'l> = (&'static str, &'l str);

/// The families of one scrape, in the order they are shown.
#[derive(Debug, Default)]
pub struct Page(Vec<MetricFamily>);

/// The samples of one family.
#[derive(Debug)]
pub struct Samples {
    kind: MetricType,
    metrics: Vec<Metric>,
}

impl Page {
    pub fn counter(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Samples)) {
        self.family(MetricType::COUNTER, (name, help), fill);
    }

    pub fn gauge(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Samples)) {
        self.family(MetricType::GAUGE, (name, help), fill);
    }

    pub fn histogram(&mut self, name: &str, help: &str, fill: impl FnOnce(&mut Samples)) {
        self.family(MetricType::HISTOGRAM, (name, help), fill);
    }

    fn family(
        &mut self,
        kind: MetricType,
        (name, help): (&str, &str),
        fill: impl FnOnce(&mut Samples),
    ) {
        let mut samples = Samples { kind, metrics: Vec::new() };
        fill(&mut samples);
        // The format has no family without samples.
        if samples.metrics.is_empty() {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        family.set_metric(samples.metrics);
        self.0.push(family);
    }

    /// The text format, version 0.0.4.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(64 << 10);
        if let Err(error) = TextEncoder::new().encode_utf8(&self.0, &mut text) {
            tracing::error!(%error, "metrics could not be written");
        }
        text
    }
}

impl Samples {
    pub fn count(&mut self, labels: &[Label<'_>], value: u64) {
        self.add(labels, value as f64);
    }

    /// 1 for true, 0 for false.
    pub fn flag(&mut self, labels: &[Label<'_>], value: bool) {
        self.add(labels, f64::from(u8::from(value)));
    }

    pub fn add(&mut self, labels: &[Label<'_>], value: f64) {
        let mut metric = labelled(labels);
        if self.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.metrics.push(metric);
    }

    /// One row of the histograms.
    pub fn row(&mut self, labels: &[Label<'_>], histograms: &Histograms, row: usize) {
        let (buckets, count, sum) = histograms.read(row);
        let buckets = buckets.into_iter().map(|(bound, cumulative)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(cumulative);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(count);
        histogram.set_sample_sum(sum);
        let mut metric = labelled(labels);
        metric.set_histogram(histogram);
        self.metrics.push(metric);
    }
}

fn labelled(labels: &[Label<'_>]) -> Metric {
    let pairs = labels.iter().map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    });
    Metric::from_label(pairs.collect())
}
