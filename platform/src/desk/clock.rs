//! The cloud's clock: extensions that step a simulated one.

use crate::{
    front::FrontCommand,
    table::{Command, Object, ParamType::*, Roles, WireType as W, f, own, p},
};

pub(crate) const CLOCK: Object =
    Object { name: "Clock", fields: &[f("now", W::Date), f("simulated", W::Bool)] };

pub(crate) static COMMANDS: &[Command] = &[
    own("advanceClock")
        .doc("Puts a simulated clock forward; answers when all that was due by then has run")
        .roles(Roles::ROOT)
        .params(&[
            p("seconds", Long).doc("how far to put it forward; this or `to`"),
            p("to", Moment).doc("where to put it; this or `seconds`"),
        ])
        .object("clock", &CLOCK)
        .front(FrontCommand::AdvanceClock.number())
        .extension(),
    own("getClock")
        .doc("Shows the present of the cloud")
        .roles(Roles::ROOT)
        .object("clock", &CLOCK)
        .front(FrontCommand::GetClock.number())
        .extension(),
];
