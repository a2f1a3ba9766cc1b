//! The simulator: makes simulated hosts slow or failing. Guide 4.1.1.26.

use crate::table::{Command, ParamType::*, Roles, later, p};

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
