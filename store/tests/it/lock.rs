//! One writer, many readers.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use cloudtally_store::{LockWait, Store, StoreError, Stream};

use crate::support::{all_events, event, run, source, writer};

#[test]
fn two_writers_exclude_each_other_while_reads_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(dir.path()).unwrap();
    let second = Store::open(dir.path()).unwrap();
    let holding = writer(&first);
    let mut told = 0;
    let limit = Duration::from_millis(120);
    let began = Instant::now();
    let refused = second.writer(LockWait { limit, on_wait: &mut || told += 1 }).unwrap_err();
    assert!(began.elapsed() >= limit);
    assert_eq!(told, 1);
    let text = refused.to_string();
    let holder = format!("(process {})", std::process::id());
    assert!(matches!(refused, StoreError::Locked { .. }) && text.contains(&holder), "{text}");

    // Reads by another store while batches are appended: old or new, never half.
    let (stop, stopped) = mpsc::channel::<()>();
    let reader = thread::spawn(move || {
        let mut seen = 0;
        while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
            let count = all_events(&second).len();
            assert!(count.is_multiple_of(10) && count >= seen, "{count} after {seen}");
            seen = count;
        }
        second
    });
    let mut known = holding.known_events(&source()).unwrap();
    for batch in 0..20 {
        let events = (0..10).map(|i| event(batch * 10 + i, i64::try_from(i).unwrap() * 300));
        holding.append_events(&mut known, events.collect(), &[], &mut run(Stream::Events)).unwrap();
    }
    stop.send(()).unwrap();
    let second = reader.join().unwrap();
    drop(holding);
    drop(writer(&second));
    assert_eq!(all_events(&second).len(), 200);
}

#[test]
fn a_waiting_writer_gets_the_lock_when_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let holding = writer(&store);
    let (waits, waiting) = mpsc::channel();
    let other = store.clone();
    let waiter = thread::spawn(move || {
        let on_wait = &mut || waits.send(()).unwrap();
        other.writer(LockWait { limit: Duration::from_secs(20), on_wait }).map(drop)
    });
    waiting.recv().unwrap();
    drop(holding);
    waiter.join().unwrap().unwrap();
}
