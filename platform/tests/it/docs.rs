//! The reference pages, made from the tables. `UPDATE_DOCS=1` writes them; without
//! it a page that is stale fails its test.

use std::{fmt::Write, fs, path::PathBuf};

use cloudtally_model::settings::{Category, Effective, SETTINGS, Scope};
use cloudtally_platform::{
    TABLES,
    meanings::of_field,
    table::{Audience, Command, Job, MapForm, ParamType, Role, Shape, Verb, WireType},
    words::of_param,
};

fn check(name: &str, made: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/{name} is stale; make it anew with `UPDATE_DOCS=1 cargo test -p cloudtally-platform docs`"
    );
}

/// The title of an area: the first line of its first command's page.
fn areas() -> Vec<(&'static str, Vec<&'static Command>)> {
    let mut areas: Vec<(&str, Vec<&Command>)> = Vec::new();
    for (area, command) in TABLES.commands_by_area() {
        match areas.last_mut() {
            Some((last, commands)) if *last == area => commands.push(command),
            _ => areas.push((area, vec![command])),
        }
    }
    areas
}

#[test]
fn commands_md_is_fresh() {
    let mut page = String::from(
        "# Commands\n\nMade from the tables in `platform/src`. A command that is *not built yet* is declared\nand answers 432. Parameters in bold are required.\n\n",
    );
    let built = TABLES.commands().filter(|command| command.is_built()).count();
    writeln!(page, "{} commands, {built} of them built.\n", TABLES.commands().count()).unwrap();
    for (area, commands) in areas() {
        writeln!(page, "## {area}\n").unwrap();
        for command in commands {
            writeln!(page, "### {}\n", command.name).unwrap();
            let later = match command.verb {
                Verb::Later => " *Not built yet.*",
                Verb::Gone => " *Gone: answers as unknown.*",
                _ => "",
            };
            let ours = if command.is_extension { " *An extension.*" } else { "" };
            writeln!(page, "{}.{later}{ours}\n", command.doc).unwrap();
            let roles: Vec<&str> = Role::ALL
                .into_iter()
                .filter(|role| command.roles.contains(*role))
                .map(Role::name)
                .collect();
            let roles = if roles.is_empty() { "nobody".to_owned() } else { roles.join(", ") };
            let how = match command.job {
                Job::Sync => "",
                Job::Plain => "; a job does the work",
                Job::Create => "; answers the id at once, a job does the rest",
            };
            let event = command.event.map(|event| format!("; event `{event}`")).unwrap_or_default();
            let shown = command
                .object_shown(&TABLES)
                .map(|object| {
                    format!(" ([{}](objects.md#{}))", object.name, object.name.to_lowercase())
                })
                .unwrap_or_default();
            let answer = match command.shape {
                Shape::List { item, .. } => format!("a list of `{item}`"),
                Shape::Object { item, .. } => format!("`{item}`"),
                Shape::Success => "`success`".to_owned(),
                Shape::Bare(_) => "fields".to_owned(),
            };
            writeln!(page, "For {roles}{how}{event}. Answers {answer}{shown}.\n").unwrap();
            for param in command.params_all() {
                let mark = if param.required { "**" } else { "" };
                let fields = match param.ty {
                    ParamType::Map(MapForm::Fields(fields)) => format!(" of {}", fields.join(", ")),
                    _ => String::new(),
                };
                writeln!(
                    page,
                    "- {mark}`{}`{mark} ({}{fields}): {}",
                    param.name,
                    param.ty.name(),
                    of_param(command, param)
                )
                .unwrap();
            }
            if command.params_all().next().is_some() {
                page.push('\n');
            }
        }
    }
    check("commands.md", &page);
}

/// The objects that answers show, with the meaning of each field.
#[test]
fn objects_md_is_fresh() {
    let mut page = String::from(
        "# Objects\n\nMade from the tables in `platform/src` and `platform/src/meanings.rs`: what the answers of\ncommands show, in the order in which it is sent. What a thing does not have is left out.\n\n",
    );
    let of_command = |command: &'static Command| command.object_shown(&TABLES);
    let mut all: Vec<_> =
        TABLES.objects().chain(TABLES.commands().filter_map(of_command)).collect();
    all.sort_by_key(|object| object.name);
    all.dedup_by_key(|object| object.name);
    for object in all {
        writeln!(page, "## {}\n", object.name).unwrap();
        for field in object.fields {
            let ty = match field.ty {
                WireType::Objects(of) => format!("list of [{of}](#{})", of.to_lowercase()),
                ty => ty.name().to_owned(),
            };
            let root = match field.audience {
                Audience::RootAdmins => "; root admins only",
                Audience::All => "",
            };
            writeln!(page, "- `{}` ({ty}{root}): {}", field.name, of_field(object, field)).unwrap();
        }
        page.push('\n');
    }
    check("objects.md", &page);
}

#[test]
fn settings_md_is_fresh() {
    let mut page = String::from(
        "# Settings\n\nMade from the table in `model/src/settings.rs`. `updateConfiguration` or `cloudtally settings NAME\nVALUE` sets one; a *scope* is where it can be set besides globally. Settings marked R count after a\nrestart of `serve`, the others at once.\n\n| name | default | may be | scope | | what it does |\n|---|---|---|---|---|---|\n",
    );
    for row in SETTINGS.iter().filter(|row| row.category != Category::Hidden) {
        let scope = if row.scope == Scope::Global { "" } else { row.scope.name() };
        let restart = if row.effect == Effective::AfterRestart { "R" } else { "" };
        let default =
            if row.default.is_empty() { String::new() } else { format!("`{}`", row.default) };
        writeln!(
            page,
            "| `{}` | {default} | {} | {scope} | {restart} | {} |",
            row.name,
            row.range(),
            row.description
        )
        .unwrap();
    }
    check("settings.md", &page);
}
