//! The aggregation from outside: events and samples in over real folders,
//! records out, against values worked out by hand and against a slow twin.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod bytes; // network samples: ordinary days, folds, back-fills
mod clock; // the present, and how far sources are complete
mod closed; // closed periods and what becomes of them
mod complaints; // what goes wrong elsewhere
mod corrections; // what late events change, and what was shown before
mod days; // every clock change of a dozen zones
mod explain; // records lead back to their events and samples
mod flips; // one changed byte anywhere
mod goldens; // days of each usage type, by hand
mod held; // changes that are too large
mod interrupted; // killed between windows and run again
mod laws; // what holds for any history
mod naive; // the slow twin: every event replayed for every period
mod outputs; // totals, sanity checks, exports
mod prune; // what closed days need no more
mod random; // histories that make no sense
mod readings; // failed polls, restarts, counters that cannot be right
mod settled; // rebuilds of days that have nothing to learn
mod sheets; // three sums of each day that are one
mod stretches; // years in which nothing was used
mod support; // folders, events as text, records as text
