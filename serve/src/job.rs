//! The usage job on its schedule.
//!
//! The timer looks every minute at the schedule and runs the job if it is due. A run
//! has a thread of its own and may take longer than a minute; the timer does nothing
//! meanwhile. A server that stops waits for a run for a while and then leaves it: each
//! window of a run is published whole or not at all, and the next run goes on behind it.

mod alerts; // the administrator is told

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use cloudtally_aggregate::{AggregateError, Plan, run_job};
use cloudtally_ingest::take_outbox;
use cloudtally_model::{Instant, Millis, settings, with_causes};
use cloudtally_platform::{alerts::USAGE_SERVER, engine::Cloud};
use cloudtally_store::{LockWait, Store, StoreError};
use tokio::sync::watch;
use tracing::{error, field::Empty, info, info_span, warn};

pub(crate) use self::alerts::Reach;
use crate::{
    clock,
    schedule::{Ended, Schedule, ScheduleError, Timetable},
    status::{UsageJobStatus, is_enabled},
    stopped::Stopped,
};

/// Time that a run waits for another writer before it is left to the next minute.
const LOCK_WAIT: Duration = Duration::from_secs(30);
/// The kind of the runs on schedule, in the job history.
const SCHEDULED: &str = "scheduled";
/// Time that runs wait for another writer before the administrator is told.
const WAITING_MAX: Millis = Millis::HOUR;

/// A timer of the usage job: looks at the schedule, and runs the job if it is due.
pub(crate) struct UsageJobTimer {
    store: Store,
    timetable: Mutex<Timetable>,
    running: watch::Sender<bool>,
    /// The cloud whose administrator is told if something is wrong.
    cloud: Weak<Cloud>,
    /// The moment since which runs have waited for another writer.
    waiting_since: Mutex<Option<Instant>>,
    lock_wait: Duration,
    /// Findings of the sanity checks after the last run; none before the first.
    sanity_failed: Mutex<Option<usize>>,
    /// Periods that the last run held back; none before the first.
    periods_held: Mutex<Option<usize>>,
}

impl UsageJobTimer {
    /// Takes up the schedule where the folder left it.
    pub(crate) fn new(store: &Store, now: Instant) -> Result<Self, ScheduleError> {
        let timetable = Mutex::new(Timetable::of(store, now)?);
        Ok(Self {
            store: store.clone(),
            timetable,
            running: watch::Sender::new(false),
            cloud: Weak::new(),
            waiting_since: Mutex::default(),
            lock_wait: LOCK_WAIT,
            sanity_failed: Mutex::default(),
            periods_held: Mutex::default(),
        })
    }

    /// Tells the administrator of a cloud when something is wrong.
    pub(crate) fn telling(mut self, cloud: &Arc<Cloud>) -> Self {
        self.cloud = Arc::downgrade(cloud);
        self
    }

    /// Runs the job on a thread of its own if it is due. Blocks for as long as it
    /// takes to read the settings.
    pub(crate) fn look(self: &Arc<Self>, now: Instant) {
        if self.running.send_replace(true) {
            return;
        }
        let running = Running(Arc::clone(self));
        match self.is_due(now) {
            Ok(true) => {}
            Ok(false) => return,
            Err(cause) => {
                error!("cannot tell when the usage job runs: {}", with_causes(&cause));
                return;
            }
        }
        // Until the run says otherwise, it broke off.
        self.timetable().ended(now, Ended::Failed);
        let started = thread::Builder::new().name("usage job".to_owned()).spawn(move || {
            let ended = running.0.run(now);
            running.0.timetable().ended(now, ended);
        });
        if let Err(cause) = started {
            error!(%cause, "cannot start a thread for the usage job: {cause}");
        }
    }

    /// Waits until no run is under way, but not longer than `limit`.
    pub(crate) async fn finish(&self, limit: Duration) -> Stopped {
        let mut running = self.running.subscribe();
        let idle = running.wait_for(|running| !running);
        if tokio::time::timeout(limit, idle).await.is_ok() {
            return Stopped::Whole;
        }
        warn!("left the usage job before its end; the next run goes on behind what it published");
        Stopped::Cut
    }

    /// Tells the log when it runs next, or that it does not.
    pub(crate) fn announce(&self) -> Result<(), ScheduleError> {
        let next = self.next()?;
        if is_enabled(&self.store)? {
            info!(%next, "the usage job runs next at {next}");
        } else {
            info!("the usage job is switched off (`{}`)", settings::ENABLE_USAGE);
        }
        Ok(())
    }

    fn is_due(&self, now: Instant) -> Result<bool, ScheduleError> {
        let schedule = Schedule::of(&self.store)?;
        let enabled = is_enabled(&self.store)?;
        // Looked at even while switched off: what was not wanted is not made up for.
        Ok(self.timetable().is_due(&schedule, now) && enabled)
    }

    /// Returns the instant of the next run.
    pub(crate) fn next(&self) -> Result<Instant, ScheduleError> {
        let schedule = Schedule::of(&self.store)?;
        Ok(self.timetable().next(&schedule))
    }

    /// Reads the status of the job.
    pub(crate) fn status(&self, now: Instant) -> Result<UsageJobStatus, ScheduleError> {
        UsageJobStatus::with_next(&self.store, self.next()?, now)
    }

    /// Runs the job here and now if it is due at `now`.
    pub(crate) fn run_now(&self, now: Instant) {
        match self.is_due(now) {
            Ok(true) => {}
            Ok(false) => return,
            Err(cause) => {
                error!("cannot tell when the usage job runs: {}", with_causes(&cause));
                return;
            }
        }
        self.timetable().ended(now, Ended::Failed);
        let ended = match self.run(now) {
            // Simulated time would not go on while another process writes.
            Ended::Busy => Ended::Failed,
            ended => ended,
        };
        self.timetable().ended(now, ended);
    }

    fn waiting_since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn timetable(&self) -> std::sync::MutexGuard<'_, Timetable> {
        self.timetable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, now: Instant) -> Ended {
        let span = info_span!("usage_job", job = Empty);
        let _inside = span.enter();
        let wait = LockWait { limit: self.lock_wait, on_wait: &mut || {} };
        let result = self.store.writer(wait).map_err(Into::into).and_then(|writer| {
            let clock = &clock::wall_clock_ms;
            // What our own cloud has told belongs to the bill first.
            take_outbox(&writer, clock())?;
            let before = writer.snapshot()?.periods;
            let report = run_job(&writer, SCHEDULED, Plan::Scheduled, now, clock, &mut |_| {})?;
            Ok((report, before))
        });
        match result {
            Ok((report, before)) => {
                info!(
                    published = report.published,
                    republished = report.republished,
                    records = report.records,
                    "usage job done: {} periods published, {} republished",
                    report.published,
                    report.republished
                );
                self.ran(now, before, &report, Reach::All);
                self.well(now, USAGE_SERVER);
                *self.waiting_since() = None;
                Ended::Done
            }
            Err(AggregateError::Store(
                cause @ (StoreError::Locked { .. } | StoreError::Leased { .. }),
            )) => {
                warn!("the usage job waits: {cause}");
                let since = *self.waiting_since().get_or_insert(now);
                if now.since(since) >= WAITING_MAX {
                    let text =
                        format!("the usage job has not run since it was due at {since}: {cause}");
                    self.wrong(now, USAGE_SERVER, text);
                }
                Ended::Busy
            }
            Err(cause) => {
                self.failed(now, &cause);
                Ended::Failed
            }
        }
    }
}

/// A mark that a look or a run is under way; it ends when dropped, however that comes.
struct Running(Arc<UsageJobTimer>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_replace(false);
    }
}

#[cfg(test)]
mod tests {
    use cloudtally_aggregate::{Drop, drop_samples};
    use cloudtally_ingest::{IngestRequest, Input, ingest};
    use cloudtally_model::SourceName;
    use cloudtally_platform::{engine::Start, table::Kind};
    use cloudtally_store::{AdminKeys, SamplesAt, Stream};
    use tempfile::TempDir;

    use super::*;
    use crate::open::{NewCloud, Pace, open_cloud};
    use cloudtally_platform::col;

    /// A folder with a volume since 1 January 2026, looked at by hand.
    struct World {
        _dir: TempDir,
        store: Store,
        timer: Arc<UsageJobTimer>,
    }

    impl World {
        fn new(now: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let csv = dir.path().join("events.csv");
            let rows = "id,type,created,account_id,zone_id,resource_id,size\n\
                        1,VOLUME.CREATE,2026-01-01 00:00:00,2,1,501,1073741824\n";
            std::fs::write(&csv, rows).unwrap();
            let store = Store::open(&dir.path().join("data")).unwrap();
            take_in(&store, Stream::Events, csv);
            let timer = Arc::new(UsageJobTimer::new(&store, at(now)).unwrap());
            Self { _dir: dir, store, timer }
        }

        fn set(&self, name: &str, value: &str) {
            writer(&self.store).set_setting(name, value).unwrap();
        }

        /// Looks, waits for what that begins, and tells how many periods there are.
        async fn look(&self, now: &str) -> usize {
            self.timer.look(at(now));
            assert_eq!(self.timer.finish(Duration::from_secs(30)).await, Stopped::Whole);
            self.store.snapshot().unwrap().periods.len()
        }
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn take_in(store: &Store, stream: Stream, csv: std::path::PathBuf) {
        let source = SourceName::new("default").unwrap();
        let (inputs, now) = (vec![Input::from_argument(csv)], at("2027-01-01 00:00:00"));
        let request = IngestRequest { stream, source, inputs, started_ms: 1, now };
        ingest(&writer(store), &request, &mut |_| {}).unwrap();
    }

    fn writer(store: &Store) -> cloudtally_store::Writer {
        let limit = Duration::from_secs(20);
        store.writer(LockWait { limit, on_wait: &mut || {} }).unwrap()
    }

    #[tokio::test]
    async fn runs_when_due_and_only_then() {
        let world = World::new("2026-01-01 12:00:00");
        assert_eq!(world.look("2026-01-02 00:14:00").await, 0);
        assert_eq!(world.look("2026-01-02 00:15:00").await, 1);
        assert_eq!(world.look("2026-01-02 00:16:00").await, 1);
        assert_eq!(world.look("2026-01-05 09:00:00").await, 4, "three days asleep: one run");
        assert_eq!(world.store.jobs(0, 9).unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_run_due_at_the_moment_of_the_start_is_not_left_out() {
        let world = World::new("2026-01-02 00:15:00");
        assert_eq!(world.look("2026-01-02 00:15:00").await, 1);
    }

    #[tokio::test]
    async fn settings_count_at_the_next_look() {
        let world = World::new("2026-01-01 12:00:00");
        world.set("usage.stats.job.exec.time", "03:00");
        world.set("usage.execution.timezone", "America/New_York");
        assert_eq!(world.look("2026-01-02 07:59:00").await, 0);
        assert_eq!(world.look("2026-01-02 08:00:00").await, 1);
        world.set("enable.usage.server", "false");
        assert_eq!(world.look("2026-01-03 08:00:00").await, 1);
        world.set("enable.usage.server", "true");
        assert_eq!(
            world.look("2026-01-03 08:01:00").await,
            1,
            "what was not wanted is not made up for"
        );
        assert_eq!(world.look("2026-01-04 08:00:00").await, 3);
    }

    #[tokio::test]
    async fn short_ranges_run_several_times_a_day() {
        let world = World::new("2026-01-01 00:00:00");
        world.set("usage.stats.job.aggregation.range", "60");
        for hour in 1..=5 {
            assert_eq!(world.look(&format!("2026-01-01 0{hour}:15:00")).await, hour);
            assert_eq!(world.look(&format!("2026-01-01 0{hour}:16:00")).await, hour);
        }
    }

    #[tokio::test]
    async fn a_run_missed_before_the_start_is_made_up_for() {
        let world = World::new("2026-01-01 12:00:00");
        assert_eq!(world.look("2026-01-02 00:15:00").await, 1);
        let restarted = |now: &str| UsageJobTimer::new(&world.store, at(now)).unwrap();
        let is_due = |now: &str| restarted(now).is_due(at(now)).unwrap();
        assert!(!is_due("2026-01-02 00:20:00"));
        assert!(!is_due("2026-01-03 00:14:59"));
        assert!(is_due("2026-01-03 00:15:00"));
        assert!(is_due("2026-02-03 12:00:00"));
    }

    #[test]
    fn a_job_that_cannot_begin_for_an_hour_is_told_until_it_runs() {
        let world = World::new("2026-01-01 12:00:00");
        let keys = AdminKeys { api_key: "a".to_owned(), secret_key: "s".to_owned() };
        let new = NewCloud { start: Start::Empty, seed: Some(1) };
        let cloud = open_cloud(&world.store, new, Pace::Real, &keys).unwrap().cloud;
        let mut timer =
            UsageJobTimer::new(&world.store, at("2026-01-01 12:00:00")).unwrap().telling(&cloud);
        timer.lock_wait = Duration::ZERO;
        // All alerts of type 13, and those of them that stand.
        let told = || {
            let world = cloud.world();
            let alerts = world.all(Kind::Alert).filter(|alert| alert.int(col::TYPE_NUMBER) == 13);
            let stand: Vec<bool> = alerts.map(|alert| alert.id_of(col::STANDS).is_some()).collect();
            (stand.len(), stand.into_iter().filter(|stands| *stands).count())
        };
        let run = |now: &str| {
            timer.run_now(at(now));
            told()
        };
        for (day, before, raised) in
            [("2026-01-02", (0, 0), (1, 1)), ("2026-01-03", (1, 0), (2, 1))]
        {
            let lock = writer(&world.store);
            assert_eq!(run(&format!("{day} 00:15:00")), before);
            assert_eq!(run(&format!("{day} 01:14:59")), before, "it may last a while");
            assert_eq!(run(&format!("{day} 01:25:00")), raised);
            assert_eq!(run(&format!("{day} 01:36:00")), raised, "it is told once");
            drop(lock);
            assert_eq!(run(&format!("{day} 01:50:00")), (raised.0, 0), "all is well");
        }
        assert_eq!(world.store.snapshot().unwrap().periods.len(), 2);
    }

    #[test]
    fn a_job_that_waits_for_a_source_is_told_once_and_until_it_goes_on() {
        let world = World::new("2026-01-01 12:00:00");
        let keys = AdminKeys { api_key: "a".to_owned(), secret_key: "s".to_owned() };
        let new = NewCloud { start: Start::Empty, seed: Some(1) };
        let cloud = open_cloud(&world.store, new, Pace::Real, &keys).unwrap().cloud;
        let timer =
            UsageJobTimer::new(&world.store, at("2026-01-01 12:00:00")).unwrap().telling(&cloud);
        // All alerts of type 20, those of them that stand, and what the last one says.
        let told = || {
            let world = cloud.world();
            let alerts = world.all(Kind::Alert).filter(|alert| alert.int(col::TYPE_NUMBER) == 20);
            let all: Vec<(bool, String)> = alerts
                .map(|a| (a.id_of(col::STANDS).is_some(), a.text(col::DESCRIPTION).to_owned()))
                .collect();
            let stand = all.iter().filter(|(stands, _)| *stands).count();
            (all.len(), stand, all.last().map_or(String::new(), |(_, text)| text.clone()))
        };
        // The only event is of 1 January 00:00: a week is billed, and then it waits.
        timer.run_now(at("2026-01-08 00:15:00"));
        assert_eq!((told().0, told().1), (0, 0));
        for day in ["2026-01-09", "2026-01-10"] {
            timer.run_now(at(&format!("{day} 00:15:00")));
            let (all, stand, text) = told();
            assert_eq!((all, stand), (1, 1), "{day}: told once");
            assert!(text.contains("`default` is complete through 2026-01-01"), "{text}");
        }
        assert_eq!(world.store.snapshot().unwrap().periods.len(), 7);
        let status = timer.status(at("2026-01-10 00:20:00")).unwrap();
        assert_eq!(status.waits.unwrap().period.start, at("2026-01-08 00:00:00"));
        assert!(world.store.jobs(0, 1).unwrap()[0].note.contains("`default`"));
        let default = SourceName::new("default").unwrap();
        writer(&world.store).set_complete_through(&default, at("2026-01-11 00:00:00")).unwrap();
        timer.run_now(at("2026-01-11 00:15:00"));
        assert_eq!((told().0, told().1), (1, 0), "all is well");
        assert_eq!(world.store.snapshot().unwrap().periods.len(), 10);
    }

    /// Counters whose sum fits no record: told with the device and the instants until the
    /// wrong reading is gone, while everybody else is billed.
    #[test]
    fn a_series_that_fits_no_record_is_told_until_it_is_mended() {
        let world = World::new("2026-01-01 12:00:00");
        let keys = AdminKeys { api_key: "a".to_owned(), secret_key: "s".to_owned() };
        let new = NewCloud { start: Start::Empty, seed: Some(1) };
        let cloud = open_cloud(&world.store, new, Pace::Real, &keys).unwrap().cloud;
        let timer =
            UsageJobTimer::new(&world.store, at("2026-01-01 12:00:00")).unwrap().telling(&cloud);
        let most = i64::MAX;
        let rows = format!(
            "sampled,account_id,zone_id,device_id,device_type,network_id,bytes_sent,bytes_received\n\
             2026-01-01 06:00:00,3,1,9,DomainRouter,204,0,0\n\
             2026-01-01 10:00:00,3,1,9,DomainRouter,204,{most},0\n\
             2026-01-01 12:00:00,3,1,9,DomainRouter,204,5,0\n\
             2026-01-01 18:00:00,3,1,9,DomainRouter,204,{most},0\n\
             2026-01-01 06:00:00,2,1,8,DomainRouter,204,0,0\n\
             2026-01-01 18:00:00,2,1,8,DomainRouter,204,100,0\n"
        );
        let csv = world._dir.path().join("samples.csv");
        std::fs::write(&csv, rows).unwrap();
        take_in(&world.store, Stream::Samples, csv);
        // All alerts of type 23, those of them that stand, and what the last one says.
        let told = || {
            let world = cloud.world();
            let alerts = world.all(Kind::Alert).filter(|alert| alert.int(col::TYPE_NUMBER) == 23);
            let all: Vec<(bool, String)> = alerts
                .map(|a| (a.id_of(col::STANDS).is_some(), a.text(col::DESCRIPTION).to_owned()))
                .collect();
            let stand = all.iter().filter(|(stands, _)| *stands).count();
            (all.len(), stand, all.last().map_or(String::new(), |(_, text)| text.clone()))
        };
        for day in ["2026-01-02", "2026-01-03"] {
            timer.run_now(at(&format!("{day} 00:15:00")));
            let (all, stand, text) = told();
            assert_eq!((all, stand), (1, 1), "{day}: told once");
            let parts = ["DomainRouter 9", "2026-01-01T06:00:00Z to 2026-01-01T10:00:00Z"];
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
        let bytes = || -> Vec<i64> {
            let snapshot = world.store.snapshot().unwrap();
            let records = snapshot
                .periods
                .iter()
                .flat_map(|known| world.store.read_records(known, &snapshot.sources).unwrap());
            records.filter(|r| r.usage_type.0 == 4).map(|r| r.quantity).collect()
        };
        assert_eq!(bytes(), [100], "the other device is billed");
        assert!(world.store.jobs(0, 1).unwrap()[0].note.contains("DomainRouter 9"));
        let source = SourceName::new("default").unwrap();
        let (device, at_ten) = (9, at("2026-01-01 10:00:00"));
        let wanted = SamplesAt { source, device, at: at_ten, account: None, address: None };
        drop_samples(&writer(&world.store), &wanted, 1, Drop::Really).unwrap();
        timer.run_now(at("2026-01-04 00:15:00"));
        assert_eq!((told().0, told().1), (1, 0), "all is well");
        assert_eq!(bytes().into_iter().max(), Some(most));
    }

    #[tokio::test]
    async fn looks_during_a_run_do_nothing_and_stopping_waits_for_it() {
        let world = World::new("2026-01-01 12:00:00");
        let lock = writer(&world.store);
        world.timer.look(at("2026-01-02 00:15:00"));
        world.timer.look(at("2026-01-02 00:16:00"));
        world.timer.look(at("2026-01-03 00:15:00"));
        let waited = world.timer.finish(Duration::from_millis(50)).await;
        assert_eq!(waited, Stopped::Cut, "it waits for the folder");
        drop(lock);
        assert_eq!(world.timer.finish(Duration::from_secs(30)).await, Stopped::Whole);
        assert_eq!(world.store.jobs(0, 9).unwrap().len(), 1);
        assert_eq!(
            world.look("2026-01-03 00:16:00").await,
            2,
            "the run due meanwhile is made up for"
        );
    }
}
