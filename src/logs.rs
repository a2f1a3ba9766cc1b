//! Log lines: their levels and their form.

use tracing_subscriber::EnvFilter;

use crate::cli_operations::LogFormat;

/// The variable that names other levels than those of the command.
const VARIABLE: &str = "CLOUDTALLY_LOG";

/// Sends log lines to standard error. A line of a request or of a run of the usage job
/// names it, so that all lines of one are found.
pub(crate) fn init(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).init(),
    }
}
