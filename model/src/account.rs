//! The account dimension: who pays. Accounts may arrive before or after the
//! events that name them; an unknown account is metered all the same.

use crate::{AccountId, DomainId, Instant, Text};

/// One account of a source.
///
/// # Source
/// Usage rules 1, "Accounts".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The source's number.
    pub id: AccountId,
    /// The name shown on the bill.
    pub name: Text,
    /// The cloud's uuid.
    pub uuid: Option<Text>,
    /// The type of the account.
    pub account_type: Option<AccountType>,
    /// The domain that holds it.
    pub domain: Option<DomainId>,
    /// The domain's path, such as `/acme/dev/`.
    pub domain_path: Option<Text>,
    /// As the source writes it: `enabled`, `disabled`, `locked`.
    pub state: Option<Text>,
    /// The instant it was created.
    pub created: Option<Instant>,
    /// The instant it was removed; open usage ends here (usage rules 3).
    pub removed: Option<Instant>,
}

/// The cloud's numbers for kinds of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountType {
    /// 0: an ordinary user.
    User,
    /// 1: the root administrator.
    RootAdmin,
    /// 2: administrator of a domain.
    DomainAdmin,
    /// 5: the account behind a project.
    Project,
    /// Any other number a source may use.
    Other(u64),
}

impl AccountType {
    /// Reads the source's number.
    pub fn from_number(number: u64) -> Self {
        match number {
            0 => Self::User,
            1 => Self::RootAdmin,
            2 => Self::DomainAdmin,
            5 => Self::Project,
            other => Self::Other(other),
        }
    }

    /// The source's number.
    pub fn number(self) -> u64 {
        match self {
            Self::User => 0,
            Self::RootAdmin => 1,
            Self::DomainAdmin => 2,
            Self::Project => 5,
            Self::Other(number) => number,
        }
    }
}
