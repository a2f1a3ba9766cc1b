//! The commands that the server answers itself, by the numbers in their rows.

use cloudtally_engine::table::{Command, Verb};

macro_rules! front_commands {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// A command that the server answers itself: what it needs is not in the cloud.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum FrontCommand { $($(#[$doc])* $name),* }

        impl FrontCommand {
            const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

front_commands! {
    /// `login`.
    Login,
    /// `logout`.
    Logout,
    /// `generateUsageRecords`.
    GenerateUsageRecords,
    /// `listUsageRecords`.
    ListUsageRecords,
    /// `listUsageCorrections`.
    ListUsageCorrections,
    /// `explainUsageRecord`.
    ExplainUsageRecord,
    /// `listUsageTypes`.
    ListUsageTypes,
    /// `listUsageJobs`.
    ListUsageJobs,
    /// `getUsageJobStatus`.
    GetUsageJobStatus,
    /// `listUsagePeriods`.
    ListUsagePeriods,
    /// `getClock`.
    GetClock,
    /// `advanceClock`.
    AdvanceClock,
    /// `getApiLimit`.
    GetApiLimit,
    /// `resetApiLimit`.
    ResetApiLimit,
}

impl FrontCommand {
    /// The number in the row.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// The command of a row; none if the cloud answers it.
    pub fn of(command: &Command) -> Option<Self> {
        let Verb::Front(number) = command.verb else { return None };
        Self::ALL.get(usize::from(number)).copied()
    }
}
