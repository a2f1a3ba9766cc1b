//! Words to systemd: that the port answers, that the server stops, that it lives.
//! Without systemd nothing is told to nobody.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

/// Tells that the server answers.
pub(crate) fn ready() {
    tell(NotifyState::Ready);
}

/// Tells that the server ends what is under way.
pub(crate) fn stopping() {
    tell(NotifyState::Stopping);
}

/// Gives signs of life where the unit has `WatchdogSec`, twice as often as it asks for.
/// They come from the threads that accept requests: where these are stuck, none come.
pub(crate) async fn live() {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval((interval / 2).max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        tell(NotifyState::Watchdog);
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(cause) = sd_notify::notify(&[state]) {
        warn!(%cause, "cannot tell the service manager: {cause}");
    }
}
