//! `metrics`: the figures of the folder for the textfile collector.

use std::process::ExitCode;

use cloudtally_serve::folder_metrics;

use super::Context;
use crate::{cli_operations::Metrics, failure::Failure};

pub(crate) fn run(context: &Context, _: &Metrics) -> Result<ExitCode, Failure> {
    print!("{}", folder_metrics(&context.for_reading()?)?);
    Ok(ExitCode::SUCCESS)
}
