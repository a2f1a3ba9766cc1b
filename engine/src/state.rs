//! States: what a kind of resource can be in, as enums, and the moves between them.
//!
//! An enum is declared once, by [`states!`]; kinds whose resources go through the same states,
//! as all sorts of machines do, share it and have each a [`table!`] of moves of their own.

/// A state of some kind of resource.
pub trait State: Copy + 'static {
    /// The name that is stored and that answers show.
    fn name(self) -> &'static str;

    /// The state of a name.
    fn named(name: &str) -> Option<Self>;
}

/// A move between two states.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// From this state.
    pub from: &'static str,
    /// To this one.
    pub to: &'static str,
}

/// The states of a kind, the first one first, and the moves between them.
#[derive(Clone, Copy, Debug)]
pub struct States {
    /// Their names; a new resource is in the first.
    pub names: &'static [&'static str],
    /// The moves that are allowed.
    pub moves: &'static [Move],
}

impl States {
    /// The states of a kind that has none.
    pub const NONE: Self = Self { names: &[], moves: &[] };
}

/// Declares enums of states, each state with the name that is stored.
#[macro_export]
macro_rules! states {
    ($($(#[$doc:meta])* pub enum $states:ident {
        $($(#[$note:meta])* $state:ident = $name:literal),* $(,)?
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $states {
            $($(#[$note])* #[doc = concat!("`", $name, "`.")] $state),*
        }

        impl $states {
            /// The name that is stored and that answers show.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$state => $name),* }
            }
        }

        impl $crate::State for $states {
            fn name(self) -> &'static str {
                $states::name(self)
            }

            fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$state),)*
                    _ => None,
                }
            }
        }
    )*};
}

/// The states of a kind, the first one first, and from each the states it can move to:
/// `table!(HostState: Up, Down; Up => Down; Down => Up;)`.
#[macro_export]
macro_rules! table {
    ($states:ident: $($state:ident),+ $(,)?; $($from:ident => $($to:ident),+;)*) => {
        $crate::States {
            names: &[$($states::$state.name()),+],
            moves: &[$($($crate::Move {
                from: $states::$from.name(),
                to: $states::$to.name(),
            }),+),*],
        }
    };
}

crate::states! {
    /// The states of an account, and of a user.
    pub enum AccountState {
        Enabled = "enabled",
        Disabled = "disabled",
        /// Nobody can log in; what it has runs on.
        Locked = "locked",
    }

    /// The states of a project.
    pub enum ProjectState {
        Active = "Active",
        Disabled = "Disabled",
        Suspended = "Suspended",
    }

    /// The stages of a command that an action event tells of.
    pub enum EventState {
        Completed = "Completed",
        Scheduled = "Scheduled",
        Created = "Created",
        Started = "Started",
    }
}

/// A job's `jobstatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// Not done yet.
    Pending = 0,
    /// It worked.
    Done = 1,
    /// It did not.
    Failed = 2,
}
