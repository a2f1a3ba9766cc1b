//! Payers: domains and accounts.
//!
//! Most accounts live through the whole window. A few are *former*: they own only
//! some rules and VPN users, all closed long before the account is removed, so that
//! nothing but a lost close is ever cut short by a removal.

use cloudtally_model::{Account, AccountId, AccountType, DomainId, Instant, Millis, Text};

use crate::{
    dice::{Dice, Subject},
    options::Options,
};

/// Accounts 1 and 2 are the cloud's own: system and admin.
pub(crate) const SYSTEM_ACCOUNT: u32 = 1;
const FIRST_TENANT: u32 = 3;
const VMS_PER_ACCOUNT: u32 = 20;
const LEAST_ACCOUNTS: u32 = 8;

const ORGANISATIONS: [&str; 8] =
    ["acme", "birch", "cobalt", "dune", "ember", "fjord", "granite", "harbour"];
const UNITS: [&str; 4] = ["", "dev", "ops", "research"];

/// The accounts of a history.
#[derive(Debug)]
pub(crate) struct Accounts {
    /// In order of their ids.
    pub(crate) all: Vec<Account>,
    /// Accounts that stay.
    pub(crate) active: Vec<u32>,
    /// Accounts that are removed late in the window.
    pub(crate) former: Vec<u32>,
}

impl Accounts {
    pub(crate) fn new(options: &Options) -> Self {
        let count = (options.vms / VMS_PER_ACCOUNT).max(LEAST_ACCOUNTS);
        let mut accounts = Self {
            all: vec![
                system_account(SYSTEM_ACCOUNT, "system"),
                system_account(SYSTEM_ACCOUNT + 1, "admin"),
            ],
            active: Vec::new(),
            former: Vec::new(),
        };
        for index in 0..count {
            let id = FIRST_TENANT + index;
            let mut dice = Dice::new(options.seed, Subject::Tenant, index);
            let is_former = index % 25 == 7;
            let removed = is_former.then(|| options.window().at(9, 10));
            if is_former {
                accounts.former.push(id);
            } else {
                accounts.active.push(id);
            }
            accounts.all.push(tenant(id, index, options.start, removed, &mut dice));
        }
        accounts
    }

    /// The instant an account was removed, if it was.
    pub(crate) fn removed(&self, account: u32) -> Option<Instant> {
        let index = usize::try_from(account.checked_sub(1)?).ok()?;
        self.all.get(index)?.removed
    }

    /// An account that stays; the first ones own more than the last.
    pub(crate) fn some_active(&self, dice: &mut Dice) -> u32 {
        let limit = dice.index(self.active.len()) + 1;
        self.active[dice.index(limit)]
    }

    /// Another account that stays.
    pub(crate) fn another(&self, dice: &mut Dice, than: u32) -> u32 {
        let others: usize = dice.index(self.active.len() - 1) + 1;
        let at = self.active.iter().position(|id| *id == than).unwrap_or(0);
        self.active[(at + others) % self.active.len()]
    }
}

fn tenant(
    id: u32,
    index: u32,
    start: Instant,
    removed: Option<Instant>,
    dice: &mut Dice,
) -> Account {
    let account_type = match index % 8 {
        2 => AccountType::DomainAdmin,
        5 => AccountType::Project,
        _ => AccountType::User,
    };
    let organisation = index / 4 % 8;
    let unit = index % 4;
    let organisation_name = ORGANISATIONS[usize::try_from(organisation).expect("below 8")];
    let unit_name = UNITS[usize::try_from(unit).expect("below 4")];
    let (domain_path, name) = if unit_name.is_empty() {
        (format!("/{organisation_name}/"), format!("{organisation_name}{id}"))
    } else {
        (
            format!("/{organisation_name}/{unit_name}/"),
            format!("{organisation_name}-{unit_name}{id}"),
        )
    };
    let name = match account_type {
        AccountType::Project => format!("PrjAcct-{name}-{id}"),
        _ => name,
    };
    // Some time in the year before the window, but not before 1970.
    let age = Millis(dice.below_ms(365 * 86_400) * 1_000);
    Account {
        id: AccountId(id.into()),
        name: name.into(),
        uuid: Some(uuid(dice)),
        account_type: Some(account_type),
        domain: Some(DomainId((2 + organisation * 4 + unit).into())),
        domain_path: Some(domain_path.into()),
        state: Some(Text::const_new("enabled")),
        created: Some((start - age).max(Instant::EPOCH)),
        removed,
    }
}

fn system_account(id: u32, name: &'static str) -> Account {
    Account {
        id: AccountId(id.into()),
        name: Text::const_new(name),
        uuid: None,
        account_type: Some(AccountType::RootAdmin),
        domain: Some(DomainId(1)),
        domain_path: Some(Text::const_new("/")),
        state: Some(Text::const_new("enabled")),
        created: None,
        removed: None,
    }
}

fn uuid(dice: &mut Dice) -> Text {
    let high = dice.below(u64::MAX);
    let low = dice.below(u64::MAX);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
    .into()
}
