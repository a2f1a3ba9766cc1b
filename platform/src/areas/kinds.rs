//! Which kinds there are rows for: the list the engine looks kinds up in.

use super::{account, alert, config, domain, event, job, limit, project, simulator, tag, user};
use crate::table::{Kind, KindSpec};

/// What is stored of each kind.
pub(crate) static KINDS: &[&KindSpec] = &[
    &account::KIND,
    &alert::KIND,
    &config::KIND,
    &domain::KIND,
    &event::KIND,
    &job::KIND,
    &limit::KIND,
    &project::KIND,
    &project::MEMBER_KIND,
    &project::INVITATION_KIND,
    &simulator::KIND,
    &tag::KIND,
    &user::KIND,
];

/// The rows by number of their kind.
static BY_NUMBER: [Option<&'static KindSpec>; Kind::ALL.len()] = by_number();

const fn by_number() -> [Option<&'static KindSpec>; Kind::ALL.len()] {
    let mut rows = [None; Kind::ALL.len()];
    let mut at = 0;
    while at < KINDS.len() {
        let number = KINDS[at].kind as usize;
        assert!(rows[number].is_none(), "a kind with two rows");
        rows[number] = Some(KINDS[at]);
        at += 1;
    }
    rows
}

/// What is stored of a kind; none if nothing is yet.
pub(crate) fn spec(kind: Kind) -> Option<&'static KindSpec> {
    BY_NUMBER[kind as usize]
}
