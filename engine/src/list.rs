//! Lists: which resources, which of them pass, which page.

use cloudtally_model::{ApiError, port::Value};

use super::{
    call::Query,
    col,
    column::ColumnKey,
    decode::{Arg, Args},
    node::{Answer, Node},
    render::View,
    resource::Resource,
    scope::Scope,
};
use crate::table::{Kind, Object, Owner, Shape, Verb};

/// The setting that says how many items a page has at most.
pub(super) const PAGE_SIZE: &str = "default.page.size";
/// Parameters that are never compared with columns.
const NOT_COLUMNS: &[&str] = &[
    "id",
    "ids",
    "account",
    "domainid",
    "isrecursive",
    "listall",
    "projectid",
    "keyword",
    "page",
    "pagesize",
    "tags",
];

/// The items of a list that an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The number of items before it.
    pub skip: usize,
    /// The most items it has.
    pub size: usize,
}

impl Page {
    /// The page that the parameters ask for.
    ///
    /// # Source
    /// Guide 4.2.6 and 2.4: `page` and `pagesize` only together, but a page size
    /// of -1 alone means everything. Texts of the 4.2 server.
    pub fn of(query: &Query<'_>) -> Result<Self, ApiError> {
        let int = |name: &str| match query.args.if_any(name) {
            Some(Arg::Int(number)) => Some(*number),
            _ => None,
        };
        let most = query.world.setting_number(PAGE_SIZE);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let everything = Self { skip: 0, size: usize::MAX };
        match (int("page"), int("pagesize")) {
            (None, None) => Ok(Self { skip: 0, size: most }),
            (None, Some(-1)) => Ok(everything),
            (Some(_), Some(-1)) => Err(ApiError::parameter(
                "Can't specify page parameter when pagesize is -1 (Unlimited)",
            )),
            (Some(_), None) => Err(ApiError::parameter(
                "\"pagesize\" parameter is required when \"page\" is specified",
            )),
            (None, Some(_)) => Err(ApiError::parameter(
                "\"page\" parameter is required when \"pagesize\" is specified",
            )),
            (Some(page), Some(size)) => {
                let (page, size) = (positive("page", page)?, positive("pagesize", size)?);
                if size > most {
                    return Err(ApiError::value(format!(
                        "Page size can't exceed max allowed page size value: {most}"
                    )));
                }
                Ok(Self { skip: (page - 1).saturating_mul(size), size })
            }
        }
    }
}

fn positive(name: &str, value: i64) -> Result<usize, ApiError> {
    let positive = usize::try_from(value).ok().filter(|value| *value > 0);
    positive.ok_or_else(|| ApiError::value(format!("{name} must be 1 or more, not {value}")))
}

impl Query<'_> {
    /// The name of an item of the command's answer, and the object that it shows.
    ///
    /// # Panics
    /// If the command answers no list: a mistake in the tables.
    pub fn item(&self) -> (&'static str, &'static Object) {
        match (self.command.shape, self.command.object_shown(self.world.tables())) {
            (Shape::List { item, .. }, Some(object)) => (item, object),
            _ => panic!("{} does not list objects", self.command.name),
        }
    }

    /// The page of `resources` that is asked for, shown as the command's object.
    pub fn page<'t>(
        &self,
        resources: impl Iterator<Item = &'t Resource>,
    ) -> Result<Answer, ApiError> {
        let (item, object) = self.item();
        self.page_of(item, resources, |query, resource| query.show(resource, object))
    }

    /// The page of anything, shown by a function.
    pub fn page_of<T>(
        &self,
        item: &'static str,
        resources: impl Iterator<Item = T>,
        show: impl Fn(&Self, T) -> Node,
    ) -> Result<Answer, ApiError> {
        let page = Page::of(self)?;
        let mut count = 0;
        let mut items = Vec::new();
        for resource in resources {
            if count >= page.skip && items.len() < page.size {
                items.push(show(self, resource));
            }
            count += 1;
        }
        Ok(Answer::List { count, item, items })
    }

    /// Shows a resource as an object; in a list with the job that works on it.
    pub fn show(&self, resource: &Resource, object: &Object) -> Node {
        let mut node = View::new(self.world, self.caller, resource, self.now).object(object);
        self.add_job(resource, &mut node);
        node
    }

    /// Adds the job that is pending on a resource to an item of a list, behind its own fields.
    pub fn add_job(&self, resource: &Resource, item: &mut Node) {
        if let Node::Object(fields) = item
            && self.command.is_list()
            && let Some(job) = self.world.pending_job(resource.id)
        {
            let status = Node::Int(job.int(col::JOB_STATUS));
            for (name, node) in [("jobid", Node::text(job.uuid.to_string())), ("jobstatus", status)]
            {
                // Some objects have a place of their own for them.
                if !fields.iter().any(|(field, _)| *field == name) {
                    fields.push((name, node));
                }
            }
        }
    }

    /// Tells whether a resource has all the tags asked for.
    pub fn has_tags(&self, resource: &Resource) -> bool {
        let Some(Arg::Map(tags)) = self.args.if_any("tags") else { return true };
        tags.iter().all(|entry| {
            self.world.referring(resource.id, Kind::Tag, col::RESOURCE).any(|tag| {
                entry
                    .get("key")
                    .is_some_and(|key| tag.text(col::KEY).to_lowercase() == key.to_lowercase())
                    && entry.get("value").is_some_and(|value| tag.text(col::VALUE) == value)
            })
        })
    }

    /// The resources of a kind that the scope and the parameters leave, in the order of its lists.
    pub fn resources(&self, kind: Kind) -> Result<Vec<&Resource>, ApiError> {
        let spec = self.world.spec(kind);
        let scoped = match spec.owner {
            Owner::Account if self.command.param("listall").is_some() || names_owner(self.args) => {
                Some(Scope::of(self.world, self.caller, self.args)?)
            }
            _ => None,
        };
        // A single resource the caller may see is found wherever it belongs.
        let all: Box<dyn Iterator<Item = &Resource>> = match (self.args.if_any("id"), scoped) {
            (Some(Arg::Id(id)), _) => Box::new(self.world.get(kind, *id).into_iter()),
            (_, Some(scope)) => scope.resources(self.world, self.caller, kind),
            (_, None) => Box::new(
                self.world.all(kind).filter(|resource| self.world.may_touch(self.caller, resource)),
            ),
        };
        if let Some(Arg::Map(tags)) = self.args.if_any("tags")
            && let Some(entry) =
                tags.iter().find(|entry| !entry.contains_key("key") || !entry.contains_key("value"))
        {
            let (name, value) = entry.iter().next().map_or(("tags", ""), |(k, v)| (k, v));
            return Err(self.invalid(
                name,
                value,
                "a tag to list by needs both its key and its value",
            ));
        }
        let mut resources: Vec<&Resource> = all.filter(|resource| self.passes(resource)).collect();
        if spec.newest_first {
            resources.reverse();
        }
        Ok(resources)
    }

    /// Tells whether a resource has what the parameters ask for: equal columns, the keyword,
    /// the tags, and what the command's own filter wants.
    pub fn passes(&self, resource: &Resource) -> bool {
        let (filter, own) = match self.command.verb {
            Verb::List { filter, own } => (filter, own),
            _ => (None, &[][..]),
        };
        let keyword = self.args.text_if_any("keyword");
        self.args.iter().all(|(name, arg)| {
            NOT_COLUMNS.contains(&name)
                || own.contains(&name)
                || !is_comparable(resource, name)
                || equals(resource, name, arg)
        }) && keyword.is_none_or(|keyword| contains(resource, &keyword.to_lowercase()))
            && self.has_tags(resource)
            && filter.is_none_or(|filter| filter(self, resource))
    }
}

/// Answers the empty list of something that is removed; none where all that is named is there.
pub(super) fn of_removed(query: &Query<'_>) -> Result<Option<Answer>, ApiError> {
    let is_removed = |name: &str, arg: &Arg| {
        let tells = query.command.param(name).is_some_and(|param| param.tells_of_removed);
        matches!(arg, Arg::Id(id) if !tells && query.world.resource(*id).removed.is_some())
    };
    match query.command.shape {
        Shape::List { item, .. } if query.args.iter().any(|(name, arg)| is_removed(name, arg)) => {
            Page::of(query)?;
            Ok(Some(Answer::List { count: 0, item, items: Vec::new() }))
        }
        _ => Ok(None),
    }
}

/// Runs a list command.
pub(super) fn run(query: &Query<'_>) -> Result<Answer, ApiError> {
    let kind = query.command.kind.expect("list rows name a kind");
    let unwanted = unwanted(query)?;
    let resources = query.resources(kind)?.into_iter();
    if unwanted.is_empty() {
        return query.page(resources);
    }
    let (item, object) = query.item();
    query.page_of(item, resources, |query, resource| {
        let mut node = query.show(resource, object);
        if let Node::Object(fields) = &mut node {
            fields.retain(|(name, _)| !unwanted.contains(name));
        }
        node
    })
}

/// The fields that `details` leaves out: none where it is not given or names `all`.
fn unwanted(query: &Query<'_>) -> Result<Vec<&'static str>, ApiError> {
    let table = query.command.details;
    let words = match query.args.if_any("details") {
        Some(Arg::List(words)) if !table.is_empty() => words.as_slice(),
        _ => return Ok(Vec::new()),
    };
    let known = |word: &str| {
        matches!(word, "all" | "min") || table.iter().any(|(detail, _)| *detail == word)
    };
    if let Some(word) = words.iter().find(|word| !known(word)) {
        let details: Vec<&str> = table.iter().map(|(detail, _)| *detail).collect();
        let expected = format!("expected all, min, {}", details.join(", "));
        return Err(query.invalid("details", word, &expected));
    }
    if words.is_empty() || words.iter().any(|word| word == "all") {
        return Ok(Vec::new());
    }
    let left_out = table.iter().filter(|(detail, _)| !words.iter().any(|word| word == detail));
    Ok(left_out.flat_map(|(_, fields)| fields.iter().copied()).collect())
}

fn names_owner(args: &Args) -> bool {
    ["account", "domainid", "projectid"].iter().any(|name| args.if_any(name).is_some())
}

fn is_comparable(resource: &Resource, name: &str) -> bool {
    let spec = resource.spec();
    name == "state" && !spec.states.names.is_empty() || spec.stores(ColumnKey::of(name))
}

/// Tells whether a resource has this value in the column of a parameter's name.
fn equals(resource: &Resource, name: &str, arg: &Arg) -> bool {
    if name == "state"
        && let Arg::Text(state) = arg
        && !resource.state().is_empty()
    {
        return resource.state().eq_ignore_ascii_case(state);
    }
    match (resource.value(ColumnKey::of(name)), arg) {
        (Some(Value::Text(text)), Arg::Text(given)) => text.eq_ignore_ascii_case(given),
        (Some(Value::Int(number)), Arg::Int(given)) => number == given,
        (Some(Value::Int(number)), Arg::Text(given)) => number.to_string() == *given,
        (flag, Arg::Bool(given)) => matches!(flag, Some(Value::Bool(true))) == *given,
        (Some(Value::Ref(id)), Arg::Id(given)) => *id == given.0,
        (Some(Value::List(ids)), Arg::Id(given)) => ids.contains(&Value::Ref(given.0)),
        (Some(Value::Text(text)), Arg::List(given)) => {
            given.iter().any(|g| text.eq_ignore_ascii_case(g))
        }
        _ => false,
    }
}

/// Tells whether one of the columns that `keyword` looks in contains it.
fn contains(resource: &Resource, keyword: &str) -> bool {
    resource
        .spec()
        .keyword
        .iter()
        .any(|column| resource.text(*column).to_lowercase().contains(keyword))
}
