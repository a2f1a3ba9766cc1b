//! The text format of Prometheus, version 0.0.4.
//!
//! Written by hand: it is lines of `name{labels} value`, the textfile collector of
//! node_exporter reads the same text as a scrape, and most values come from the catalogue
//! and not from counters of ours. The crate `prometheus-client` writes OpenMetrics, which
//! that collector does not read, and would want each value in a registry first.

use std::fmt::{Display, Write};

use super::names::{Metric, MetricKind};

/// The content type of the text.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics as text.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
}

/// The samples of one metric; their lines follow its help and kind.
pub(super) struct Samples<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Text {
    /// Begins a metric.
    pub(super) fn metric(&mut self, metric: &Metric) -> Samples<'_> {
        let Metric { name, kind, help, .. } = metric;
        put(&mut self.text, format_args!("# HELP {name} {help}\n"));
        put(&mut self.text, format_args!("# TYPE {name} {}\n", kind.as_name()));
        Samples { text: &mut self.text, name }
    }

    /// Writes a metric of one value without labels.
    pub(super) fn one(&mut self, metric: &Metric, value: impl Display) {
        debug_assert!(metric.kind != MetricKind::Histogram);
        self.metric(metric).put(&[], value);
    }

    /// Puts other metrics behind these.
    pub(super) fn append(&mut self, other: Self) {
        self.text.push_str(&other.text);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

impl Samples<'_> {
    /// Writes a value with its labels.
    pub(super) fn put(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, None, value);
    }

    /// Writes a histogram: counts by upper bound, not yet cumulative, and those above the
    /// last; `sum` in milliseconds.
    pub(super) fn histogram(
        &mut self,
        labels: &[(&str, &str)],
        bounds: &[(u64, &str)],
        counts: &[u64],
        sum_ms: u64,
    ) {
        debug_assert_eq!(counts.len(), bounds.len() + 1);
        let mut count = 0;
        let bounds = bounds.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        for (bound, here) in bounds.zip(counts) {
            count += here;
            self.line("_bucket", labels, Some(bound), count);
        }
        self.line(
            "_sum",
            labels,
            None,
            Seconds::of_millis(i64::try_from(sum_ms).unwrap_or(i64::MAX)),
        );
        self.line("_count", labels, None, count);
    }

    fn line(
        &mut self,
        suffix: &str,
        labels: &[(&str, &str)],
        le: Option<&str>,
        value: impl Display,
    ) {
        put(self.text, format_args!("{}{suffix}", self.name));
        let all = labels.iter().copied().chain(le.map(|bound| ("le", bound)));
        let mut before = '{';
        for (name, value) in all {
            put(self.text, format_args!("{before}{name}=\"{}\"", Escaped(value)));
            before = ',';
        }
        put(self.text, format_args!("{}{value}\n", if before == '{' { " " } else { "} " }));
    }
}

fn put(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("memory takes any text");
}

/// The place of a value among upper bounds; the last place is above all of them.
pub(super) fn bucket(bounds: &[(u64, &str)], value: u64) -> usize {
    bounds.partition_point(|(bound, _)| *bound < value)
}

/// A label's value.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Milliseconds written as seconds.
pub(super) struct Seconds(i64);

impl Seconds {
    pub(super) fn of_millis(millis: i64) -> Self {
        Self(millis)
    }
}

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (seconds, millis) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        match millis {
            0 => write!(f, "{sign}{seconds}"),
            millis => write!(f, "{sign}{seconds}.{millis:03}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::names::{JOB_DURATION, OUTBOX_ROWS};

    #[test]
    fn values_labels_and_histograms() {
        let mut text = Text::default();
        text.metric(&OUTBOX_ROWS).put(&[("a", "x\"\\\n"), ("b", "é")], 7);
        let bounds = [(10, "0.01"), (1000, "1")];
        let mut counts = [0; 3];
        for value in [10, 11, 1000, 1001, 5000] {
            counts[bucket(&bounds, value)] += 1;
        }
        text.metric(&JOB_DURATION).histogram(&[("kind", "k")], &bounds, &counts, 1_500);
        let text = text.finish();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                r#"cloudtally_outbox_rows{a="x\"\\\n",b="é"} 7"#,
                r#"cloudtally_job_duration_seconds_bucket{kind="k",le="0.01"} 1"#,
                r#"cloudtally_job_duration_seconds_bucket{kind="k",le="1"} 3"#,
                r#"cloudtally_job_duration_seconds_bucket{kind="k",le="+Inf"} 5"#,
                r#"cloudtally_job_duration_seconds_sum{kind="k"} 1.500"#,
                r#"cloudtally_job_duration_seconds_count{kind="k"} 5"#,
            ]
        );
        assert_eq!(text.matches("# TYPE cloudtally_job_duration_seconds histogram\n").count(), 1);
    }

    #[test]
    fn seconds_are_exact() {
        for (millis, expected) in [(0, "0"), (1500, "1.500"), (-1, "-0.001"), (7000, "7")] {
            assert_eq!(Seconds::of_millis(millis).to_string(), expected);
        }
    }
}
