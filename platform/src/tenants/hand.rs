//! The hand of a tenant: commands in its own name.

use cloudtally_model::{ApiError, Instant};

use super::{Habit, Refusals};
use crate::{
    TABLES, col,
    engine::{Answer, Caller, Cloud, Node, Request, ResourceId, Uuid, World, own_users},
    state::MachineState,
    table::Kind,
};

/// A tenant at work.
pub(super) struct Hand<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) now: Instant,
    pub(super) caller: Caller,
    refusals: &'a mut Refusals,
}

/// The zone, template and offerings that tenants use.
pub(super) struct Catalogue {
    pub(super) zone: String,
    pub(super) other_zone: String,
    pub(super) template: String,
    pub(super) small: String,
    pub(super) medium: String,
    pub(super) large: String,
    pub(super) huge: Option<String>,
    pub(super) disk: String,
    pub(super) custom_disk: String,
    pub(super) os_type: String,
}

/// Parameters of a call.
pub(super) type Params<'a> = [(&'a str, &'a str)];

impl<'a> Hand<'a> {
    pub(super) fn new(
        cloud: &'a Cloud,
        now: Instant,
        caller: Caller,
        refusals: &'a mut Refusals,
    ) -> Self {
        Self { cloud, now, caller, refusals }
    }

    /// Calls a command; a refusal is counted.
    pub(super) fn call(&mut self, name: &str, params: &Params<'_>) -> Option<Answer> {
        let command = TABLES.command(name).unwrap_or_else(|| panic!("there is no command {name}"));
        assert!(
            command.roles.contains(self.caller.role),
            "{name} is not for {:?}",
            self.caller.role
        );
        let params = params.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let request = Request { command, caller: self.caller, params };
        match self.cloud.call(request, self.now) {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.refused(command.name, &error);
                None
            }
        }
    }

    fn refused(&mut self, name: &'static str, error: &ApiError) {
        *self.refusals.entry((name, error.code.status())).or_default() += 1;
    }

    /// Lets a running guest shut itself down, which no command does.
    pub(super) fn shut_down(&mut self, vm: ResourceId) {
        let stopped = self.cloud.change(self.now, move |tx| {
            if tx.get(Kind::Vm, vm).is_some_and(|vm| vm.is(MachineState::Running)) {
                crate::compute::vm::guest_stopped(tx, vm);
            }
            Ok(Answer::Success)
        });
        if let Err(error) = stopped {
            self.refused("shutdown", &error);
        }
    }

    /// The items of a list.
    pub(super) fn list(&mut self, name: &str, params: &Params<'_>) -> Vec<Item> {
        match self.call(name, params) {
            Some(Answer::List { items, .. }) => items.into_iter().map(Item).collect(),
            _ => Vec::new(),
        }
    }

    /// The id of the item of a list whose field has a value.
    pub(super) fn id_with(
        &mut self,
        name: &str,
        params: &Params<'_>,
        (field, value): (&str, &str),
    ) -> Option<String> {
        self.list(name, params).into_iter().find(|i| i.text(field) == value).map(|i| i.id())
    }

    /// The zone, offerings and images that tenants use.
    pub(super) fn catalogue(&mut self) -> Option<Catalogue> {
        let offering =
            |hand: &mut Self, name| hand.id_with("listServiceOfferings", &[], ("name", name));
        let disk = |hand: &mut Self, name| hand.id_with("listDiskOfferings", &[], ("name", name));
        let template = [("templatefilter", "featured")];
        Some(Catalogue {
            zone: self.id_with("listZones", &[], ("networktype", "Advanced"))?,
            other_zone: self.id_with("listZones", &[], ("networktype", "Basic"))?,
            template: self.id_with("listTemplates", &template, ("hypervisor", "Simulator"))?,
            small: offering(self, "Small Instance")?,
            medium: offering(self, "Medium Instance")?,
            large: offering(self, "Large Instance")?,
            huge: offering(self, "Huge Instance"),
            disk: disk(self, "Small")?,
            custom_disk: disk(self, "Custom")?,
            os_type: self.list("listOsTypes", &[]).first()?.id(),
        })
    }

    /// The tenant's machines in a state.
    pub(super) fn machines(&mut self, state: MachineState) -> Vec<Item> {
        self.list("listVirtualMachines", &[("state", state.name())])
    }

    /// The number behind a uuid, which only the operator's commands take.
    pub(super) fn number_of(&self, uuid: &str) -> Option<ResourceId> {
        Some(self.cloud.world().by_uuid(Uuid::parse(uuid)?)?.id)
    }
}

/// An item of a list.
pub(super) struct Item(Node);

impl Item {
    /// A text; empty if absent.
    pub(super) fn text(&self, field: &str) -> &str {
        match self.0.field(field) {
            Some(Node::Text(text)) => text,
            _ => "",
        }
    }

    pub(super) fn id(&self) -> String {
        self.text("id").to_owned()
    }

    /// Tells whether a flag is set.
    pub(super) fn is(&self, field: &str) -> bool {
        self.0.field(field) == Some(&Node::Bool(true))
    }

    /// The items of a field.
    pub(super) fn items(&self, field: &str) -> Vec<Item> {
        match self.0.field(field) {
            Some(Node::List(items)) => items.iter().cloned().map(Item).collect(),
            _ => Vec::new(),
        }
    }
}

/// The caller that a tenant is; its account is made when it is first looked for.
pub(super) fn caller_of(cloud: &Cloud, habit: Habit, name: &str, now: Instant) -> Option<Caller> {
    let root = root(&cloud.world())?;
    if habit == Habit::Operator {
        return Some(root);
    }
    if let Some(caller) = user_anywhere(&cloud.world(), name) {
        return Some(caller);
    }
    let mut refusals = Refusals::new();
    let mut operator = Hand::new(cloud, now, root, &mut refusals);
    let mut params = vec![
        ("username", name),
        ("account", name),
        ("accounttype", if habit == Habit::Reseller { "2" } else { "0" }),
        ("email", "tenant@example.org"),
        ("firstname", "Seeded"),
        ("lastname", name),
        ("password", "password"),
    ];
    // Resellers have a domain of their own.
    let domain = match habit {
        Habit::Reseller => {
            operator.call("createDomain", &[("name", name)]);
            operator.id_with("listDomains", &[], ("name", name))
        }
        _ => None,
    };
    params.extend(domain.as_deref().map(|id| ("domainid", id)));
    operator.call("createAccount", &params)?;
    // Batch jobs reach their limits now and then.
    if habit == Habit::Batch {
        let root_domain = operator.id_with("listDomains", &[], ("name", "ROOT"))?;
        for (resource_type, most) in [("0", "6"), ("2", "14"), ("3", "8")] {
            operator.call(
                "updateResourceLimit",
                &[
                    ("account", name),
                    ("domainid", &root_domain),
                    ("resourcetype", resource_type),
                    ("max", most),
                ],
            );
        }
    }
    user_anywhere(&cloud.world(), name)
}

fn root(world: &World) -> Option<Caller> {
    Caller::of_user(world, own_users::admin_user(world))
}

fn user_anywhere(world: &World, name: &str) -> Option<Caller> {
    let user = world.all(Kind::User).find(|user| user.text(col::USERNAME) == name)?;
    Caller::of_user(world, user.id)
}
