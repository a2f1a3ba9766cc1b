//! The engine on tables that are not the product's: it knows no area.

#[path = "../examples/toy.rs"]
mod toy;

use std::panic::{AssertUnwindSafe, catch_unwind};

use cloudtally_engine::{
    Answer, col, limit,
    table::{Kind, Limit},
};
use cloudtally_model::{ErrorCode, Instant};
use toy::{Memory, Toy, texts};

#[test]
fn the_example_is_true() {
    toy::main().unwrap();
}

#[test]
fn rows_make_find_change_and_remove() {
    let toy = Toy::open(Memory::default()).unwrap();
    for name in ["a", "b", "c"] {
        toy.ask("tenant", "createShelf", &[("name", name)]).unwrap();
    }
    let shelves = toy.ask("tenant", "listShelves", &[("keyword", "B")]).unwrap();
    assert_eq!(texts(&shelves, "name"), ["b"]);
    let id = texts(&shelves, "id").remove(0);
    toy.ask("tenant", "fillShelf", &[("id", &id)]).unwrap();
    toy.ask("tenant", "deleteShelf", &[("id", &id)]).unwrap();
    assert_eq!(texts(&toy.ask("tenant", "listShelves", &[]).unwrap(), "name"), ["a", "c"]);
    let page = toy.ask("tenant", "listShelves", &[("page", "2"), ("pagesize", "1")]).unwrap();
    assert_eq!(texts(&page, "name"), ["c"]);
    assert!(matches!(page, Answer::List { count: 2, .. }));
}

#[test]
fn rows_refuse_a_name_that_is_taken_and_things_of_others() {
    let toy = Toy::open(Memory::default()).unwrap();
    toy.ask("tenant", "createShelf", &[("name", "a")]).unwrap();
    let taken = toy.ask("tenant", "createShelf", &[("name", "A")]).unwrap_err();
    assert!(taken.text.contains("the instance group A exists already"), "{}", taken.text);
    toy.ask("admin", "createShelf", &[("name", "a")]).unwrap();
    let of_admin = texts(&toy.ask("admin", "listShelves", &[("name", "a")]).unwrap(), "id");
    let world = toy.cloud.world();
    let admins = |id: &&String| {
        world.by_id(id, &[]).unwrap().owner != world.all(Kind::Account).last().map(|a| a.id)
    };
    let foreign = of_admin.iter().find(admins).unwrap().clone();
    drop(world);
    let refused = toy.ask("tenant", "deleteShelf", &[("id", &foreign)]).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Parameter);
    assert!(refused.text.contains(&foreign), "{}", refused.text);
}

#[test]
fn a_state_has_its_moves_alone_and_a_command_that_fails_changes_nothing() {
    let toy = Toy::open(Memory::default()).unwrap();
    toy.ask("tenant", "createShelf", &[("name", "a")]).unwrap();
    let id = texts(&toy.ask("tenant", "listShelves", &[]).unwrap(), "id").remove(0);
    toy.ask("tenant", "fillShelf", &[("id", &id)]).unwrap();
    // Full to full is no move; nothing happens.
    toy.ask("tenant", "fillShelf", &[("id", &id)]).unwrap();
    let missing = toy.ask("tenant", "createShelf", &[]).unwrap_err();
    assert!(missing.text.contains("name"), "{}", missing.text);
    assert_eq!(texts(&toy.ask("tenant", "listShelves", &[]).unwrap(), "state"), ["Full"]);
}

#[test]
fn limits_are_counted_from_the_rows() {
    let toy = Toy::open(Memory::default()).unwrap();
    toy.ask("tenant", "createShelf", &[("name", "a")]).unwrap();
    toy.ask("tenant", "createShelf", &[("name", "b")]).unwrap();
    let world = toy.cloud.world();
    let tenant = world.all(Kind::Account).last().unwrap().id;
    assert_eq!(limit::used_by_account(&world, tenant, Limit::Volume), 2);
    assert_eq!(limit::used_by_account(&world, tenant, Limit::Vm), 0);
}

#[test]
fn the_bill_is_told_each_difference_and_nothing_else() {
    let memory = Memory::default();
    let toy = Toy::open(memory.clone()).unwrap();
    let ask = |name: &str, params: &[(&str, &str)]| toy.ask("tenant", name, params);
    ask("createShelf", &[("name", "a")]).unwrap();
    ask("createShelf", &[("name", "b")]).unwrap();
    let ids = texts(&ask("listShelves", &[]).unwrap(), "id");
    let (a, b) = (ids[0].as_str(), ids[1].as_str());
    ask("renameShelf", &[("id", a), ("name", "c")]).unwrap();
    assert_eq!(memory.usage(), [""; 0], "an empty shelf costs nothing");
    ask("fillShelf", &[("id", a)]).unwrap();
    ask("fillShelf", &[("id", a)]).unwrap();
    ask("renameShelf", &[("id", a), ("name", "c")]).unwrap();
    assert_eq!(memory.usage(), ["SHELF.FILL"], "filled again and named the same: no difference");
    ask("renameShelf", &[("id", a), ("name", "d")]).unwrap();
    // A command that fails tells nothing.
    ask("renameShelf", &[("id", a), ("name", "b")]).unwrap_err();
    ask("deleteShelf", &[("id", b)]).unwrap();
    ask("deleteShelf", &[("id", a)]).unwrap();
    assert_eq!(memory.usage(), ["SHELF.FILL", "SHELF.RENAME", "SHELF.REMOVE"]);
}

#[test]
fn a_move_that_breaks_off_holds_nothing_back_from_the_bill() {
    let memory = Memory::default();
    let toy = Toy::open(memory.clone()).unwrap();
    toy.ask("tenant", "createShelf", &[("name", "fragile")]).unwrap();
    let now = Instant::parse("2026-01-05T00:00:00Z").unwrap();
    let done = toy.cloud.change(now, |tx| {
        let id = tx.all(Kind::InstanceGroup).next().unwrap().id;
        let start = tx.savepoint();
        let broke = catch_unwind(AssertUnwindSafe(|| tx.move_to(id, toy::ShelfState::Full)));
        assert!(broke.is_err());
        tx.roll_back(start);
        for name in ["sound", "sounder"] {
            tx.edit(id, |shelf| {
                shelf.set_text(col::NAME, name);
            });
            tx.move_to(id, toy::ShelfState::Full);
        }
        Ok(Answer::Success)
    });
    done.unwrap();
    assert_eq!(memory.usage(), ["SHELF.FILL", "SHELF.RENAME"]);
}

#[test]
fn what_the_journal_kept_is_there_after_a_restart() {
    let memory = Memory::default();
    let toy = Toy::open(memory.clone()).unwrap();
    toy.ask("tenant", "createShelf", &[("name", "a")]).unwrap();
    let before = texts(&toy.ask("tenant", "listShelves", &[]).unwrap(), "id");
    drop(toy);
    let toy = Toy::open(memory).unwrap();
    assert_eq!(texts(&toy.ask("tenant", "listShelves", &[]).unwrap(), "id"), before);
    toy.ask("tenant", "createShelf", &[("name", "b")]).unwrap();
    assert_eq!(texts(&toy.ask("tenant", "listShelves", &[]).unwrap(), "name"), ["a", "b"]);
}
