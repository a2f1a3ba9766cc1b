//! The roles of callers.

/// The role of the users of an account.
///
/// # Source
/// Guide 4.1; numbers as in `accounttype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// An account of its own resources.
    User,
    /// The administrator of everything.
    RootAdmin,
    /// The administrator of a domain and what is below it.
    DomainAdmin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RootAdmin, Self::DomainAdmin, Self::User];

    /// The number that `accounttype` shows.
    pub const fn number(self) -> i64 {
        match self {
            Self::User => 0,
            Self::RootAdmin => 1,
            Self::DomainAdmin => 2,
        }
    }

    /// The role of a number, if it is one.
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::User),
            1 => Some(Self::RootAdmin),
            2 => Some(Self::DomainAdmin),
            _ => None,
        }
    }

    /// The word the guide uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::RootAdmin => "root admin",
            Self::DomainAdmin => "domain admin",
        }
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// Nobody: declared, but not exposed by the 4.2.1 server.
    pub const NOBODY: Self = Self(0);
    /// The root admin.
    pub const ROOT: Self = Self(1);
    /// Root and domain admins.
    pub const ADMINS: Self = Self(1 | 4);
    /// Everybody.
    pub const ALL: Self = Self(1 | 4 | 8);

    /// Tells whether a role is among them.
    pub const fn contains(self, role: Role) -> bool {
        let bit = match role {
            Role::RootAdmin => 1,
            Role::DomainAdmin => 4,
            Role::User => 8,
        };
        self.0 & bit != 0
    }
}
