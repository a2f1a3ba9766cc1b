//! The simulator: makes simulated hosts slow or failing. Guide 4.1.1.26.

use crate::table::{
    Command, Kind, KindSpec, Object, ParamType::*, Roles, WireType as W, hidden, later, p,
};

const RULE: Object = Object { name: "SimulatorRule", fields: &[] };

/// What one kind of work does on the hosts of `of`; everywhere without it.
pub(crate) static KIND: KindSpec = KindSpec::new(Kind::SimulatorRule, &RULE).hidden(&[
    hidden("name", W::Str),
    hidden("of", W::Str),
    hidden("iscut", W::Bool),
    hidden("timeout", W::Int),
    hidden("wait", W::Int),
]);

pub(crate) static COMMANDS: &[Command] = &[later("configureSimulator")
    .doc("Makes simulated hosts delay or fail one kind of work")
    .roles(Roles::ROOT)
    .params(&[
        p("zoneid", Long).doc("the zone it is for; everywhere unless given"),
        p("podid", Long).doc("the pod it is for"),
        p("clusterid", Long).doc("the cluster it is for"),
        p("hostid", Long).doc("the host it is for"),
        p("name", Str).required().doc("the agent's command, such as `StartCommand`"),
        p("value", Str)
            .required()
            .doc("`enabled:false` to fail, `wait:MS` to delay, `timeout:S`; joined by `|`"),
    ])
    .success()];
