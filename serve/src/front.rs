//! State shared by all requests, and the commands that the front answers by itself.

use std::{sync::Arc, time::Duration};

use cloudtally_model::{ApiError, Instant, Millis};
use cloudtally_platform::{
    FrontCommand, col,
    engine::{Answer as Tree, Caller, Clock, Cloud, Node, ResourceId, login, own_users},
};
use cloudtally_store::{AdminKeys, Store};

use crate::{
    answer::Answer,
    clock_driver::{Advanced, ClockDriver},
    command::FrontCall,
    error::internal,
    guesses::Guesses,
    health::{Check, Health},
    metrics::Requests,
    session::Sessions,
    throttle::{Limits, Throttle},
    usage,
};

const SESSION_TIMEOUT: &str = "session.timeout";
/// The farthest a clock is put forward at once: a hundred years.
const SECONDS_MAX: i64 = 100 * 366 * 86_400;

/// The folder, the cloud in it, and what is only in memory.
pub(crate) struct Front {
    pub(crate) store: Store,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) driver: Arc<ClockDriver>,
    pub(crate) sessions: Sessions,
    pub(crate) throttle: Throttle,
    pub(crate) guesses: Guesses,
    pub(crate) health: Health,
    pub(crate) requests: Arc<Requests>,
}

impl Front {
    pub(crate) fn new(store: Store, driver: Arc<ClockDriver>) -> Self {
        let cloud = Arc::clone(driver.cloud());
        let (sessions, throttle) = (Sessions::default(), Throttle::default());
        Self {
            store,
            cloud,
            driver,
            sessions,
            throttle,
            guesses: Guesses::default(),
            health: Health::default(),
            requests: Arc::default(),
        }
    }

    /// Runs the checks of health, or gives the results of a moment ago.
    pub(crate) fn checks(&self) -> Arc<[Check]> {
        self.health.checks(&self.store, &self.driver)
    }

    /// The time that a session may be silent.
    pub(crate) fn session_timeout(&self) -> Duration {
        let seconds = self.cloud.world().setting_number(SESSION_TIMEOUT);
        Duration::from_secs(seconds.unsigned_abs())
    }

    /// Takes up keys that were renewed by hand while we serve, so that the cloud
    /// shows those that count.
    pub(crate) fn adopt_admin_keys(&self, keys: &AdminKeys, now: Instant) -> Result<(), ApiError> {
        let world = self.cloud.world();
        let admin = world.resource(own_users::admin_user(&world));
        let is_known = admin.text(col::API_KEY) == keys.api_key
            && admin.text(col::USER_SECRET_KEY) == keys.secret_key;
        drop(world);
        if is_known {
            return Ok(());
        }
        let keys = keys.clone();
        let adopted = self.cloud.change(now, move |tx| {
            let admin = own_users::admin_user(tx);
            tx.edit(admin, |user| {
                user.set_text(col::API_KEY, &keys.api_key)
                    .set_text(col::USER_SECRET_KEY, &keys.secret_key);
            });
            Ok(Tree::Success)
        });
        adopted.map(drop)
    }

    /// Takes up settings that were changed by hand while we serve.
    pub(crate) fn adopt_settings(&self, now: Instant) -> Result<(), ApiError> {
        let stored =
            |store: &Store| store.settings().map_err(|e| internal("read the settings", &e));
        let world = self.cloud.world();
        let same = stored(&self.store)?.iter().all(|(row, value)| world.setting(row.name) == value);
        drop(world);
        if same {
            return Ok(());
        }
        let store = self.store.clone();
        let adopted = self.cloud.change(now, move |tx| {
            // Read again: nothing changes a setting of the cloud while we are here.
            for (row, value) in stored(&store)? {
                if tx.setting(row.name) != value {
                    tx.set_setting(row.name, Some(value));
                }
            }
            Ok(Tree::Success)
        });
        adopted.map(drop)
    }

    /// The user of a session; one that was ended in the cloud meanwhile is over.
    pub(crate) fn user_of_session(&self, id: &str, key: &str) -> Option<ResourceId> {
        let (user, ended) = self.sessions.user(id, key, self.session_timeout())?;
        if login::sessions_ended(&self.cloud.world(), user) == ended {
            return Some(user);
        }
        self.sessions.end(id);
        None
    }

    /// Ends a session, if it is one, and tells of it.
    pub(crate) fn end_session(&self, id: &str, now: Instant) -> Result<(), ApiError> {
        let Some(user) = self.sessions.end(id) else { return Ok(()) };
        let told = self.cloud.change(now, move |tx| {
            login::ended(tx, user);
            Ok(Tree::Success)
        });
        told.map(drop)
    }

    /// Runs a command whose row says that the front answers it.
    pub(crate) fn run(
        &self,
        which: FrontCommand,
        call: &FrontCall<'_>,
    ) -> Result<Answer, ApiError> {
        match which {
            FrontCommand::GenerateUsageRecords => {
                usage::generate_records(call, self.driver.usage_job())
            }
            FrontCommand::ListUsageRecords => usage::list_records(call),
            FrontCommand::ListUsageCorrections => usage::list_corrections(call),
            FrontCommand::ExplainUsageRecord => usage::explain_record(call),
            FrontCommand::ListUsageTypes => usage::list_types(call),
            FrontCommand::ListUsageJobs => usage::list_jobs(call),
            FrontCommand::GetUsageJobStatus => usage::job_status(call, self.driver.usage_job()),
            FrontCommand::ListUsagePeriods => usage::list_periods(call),
            FrontCommand::GetClock => Ok(self.clock()),
            FrontCommand::AdvanceClock => self.advance_clock(call),
            FrontCommand::GetApiLimit => Ok(self.api_limit(&call.caller)),
            FrontCommand::ResetApiLimit => self.reset_api_limit(call),
            // Sessions begin and end before a caller is known.
            FrontCommand::Login | FrontCommand::Logout => Err(ApiError::unauthorised()),
        }
    }

    fn clock(&self) -> Answer {
        let simulated = matches!(self.driver.clock(), Clock::Simulated(_));
        Answer::Tree(Tree::Object {
            item: "clock",
            object: Node::Object(vec![
                ("now", Node::Date(self.driver.now())),
                ("simulated", Node::Bool(simulated)),
            ]),
        })
    }

    /// Puts a simulated clock forward; returns when all that was due has happened.
    fn advance_clock(&self, call: &FrontCall<'_>) -> Result<Answer, ApiError> {
        let now = self.driver.now();
        let to = match (call.args.int("seconds"), call.args.moment("to")) {
            (Some(seconds), None) if (0..=SECONDS_MAX).contains(&seconds) => {
                now + Millis(seconds * 1000)
            }
            (Some(seconds), None) => {
                let expected = format!("expected 0 to {SECONDS_MAX}");
                return Err(call.invalid("seconds", &seconds.to_string(), &expected));
            }
            (None, Some(to)) => to,
            _ => return Err(ApiError::value("give either `seconds` or `to`")),
        };
        if matches!(self.driver.clock(), Clock::Real(_)) {
            return Err(ApiError::value(
                "the clock is the real one; serve with `--clock sim` to step it",
            ));
        }
        if to < now {
            return Err(ApiError::value(format!(
                "the clock shows {now} and does not go back to {to}"
            )));
        }
        if to > now + Millis(SECONDS_MAX * 1000) {
            let expected = format!("expected at most {SECONDS_MAX} seconds after {now}");
            return Err(call.invalid("to", &to.to_string(), &expected));
        }
        match self.driver.advance(to) {
            Ok(Advanced::All { .. }) => Ok(self.clock()),
            Ok(Advanced::Stopped) => Err(ApiError::runtime(format!(
                "the server stops, and the clock with it, before {to}; step on when it is up again"
            ))),
            Err(cause) => Err(ApiError::runtime(match self.cloud.lost() {
                None => format!("what was due could not be kept: {cause}"),
                Some(why) => format!("what was due may or may not have been kept: {why}"),
            })),
        }
    }

    fn api_limit(&self, caller: &Caller) -> Answer {
        let world = self.cloud.world();
        let account = world.resource(caller.account);
        let standing = self.throttle.standing(Limits::of(&world), account.id);
        let number = |number: u64| Node::Int(i64::try_from(number).unwrap_or(i64::MAX));
        Answer::Tree(Tree::Object {
            item: "apilimit",
            object: Node::Object(vec![
                ("accountid", Node::text(account.shown_id())),
                ("account", Node::text(account.text(col::NAME))),
                ("apiIssued", number(standing.issued)),
                ("apiAllowed", number(standing.allowed)),
                ("expireAfter", number(standing.expires_after_ms)),
            ]),
        })
    }

    fn reset_api_limit(&self, call: &FrontCall<'_>) -> Result<Answer, ApiError> {
        let (one, other) = (call.args.id("account"), call.args.id("accountid"));
        if let (Some(one), Some(other)) = (one, other)
            && one != other
        {
            return Err(ApiError::value(
                "`account` and `accountid` name two accounts; give one of them",
            ));
        }
        self.throttle.reset(one.or(other));
        Ok(Answer::Tree(Tree::Success))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cloudtally_platform::engine::Start;
    use cloudtally_store::LockWait;

    use super::*;
    use crate::{
        clock,
        job::UsageJobTimer,
        open::{NewCloud, Pace, open_cloud},
    };

    #[test]
    fn what_is_set_by_hand_is_taken_up() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data")).unwrap();
        let keys = AdminKeys { api_key: "a".to_owned(), secret_key: "s".to_owned() };
        let new = NewCloud { start: Start::Empty, seed: Some(1) };
        let opened = open_cloud(&store, new, Pace::Real, &keys).unwrap();
        let timer = Arc::new(UsageJobTimer::new(&store, clock::now()).unwrap());
        let driver = Arc::new(ClockDriver::new(opened.cloud, opened.clock, timer, None));
        let front = Front::new(store.clone(), driver);
        let set = |name: &str, value: &str| {
            let wait = LockWait { limit: Duration::from_secs(20), on_wait: &mut || {} };
            store.writer(wait).unwrap().set_setting(name, value).unwrap();
        };
        set("session.timeout", "7");
        assert_eq!(front.session_timeout(), Duration::from_secs(1800));
        front.adopt_settings(clock::now()).unwrap();
        assert_eq!(front.session_timeout(), Duration::from_secs(7));
        set("session.timeout", "1800");
        front.adopt_settings(clock::now()).unwrap();
        assert_eq!(front.session_timeout(), Duration::from_secs(1800));
        // What the cloud sets is what the folder has.
        let shorter = |tx: &mut cloudtally_platform::engine::Tx<'_>| {
            tx.set_setting("session.timeout", Some("9".to_owned()));
            Ok(Tree::Success)
        };
        front.cloud.change(clock::now(), shorter).unwrap();
        assert_eq!(store.setting("session.timeout").unwrap(), "9");
    }
}
