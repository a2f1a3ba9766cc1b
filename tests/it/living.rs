//! Tenants live in the cloud of a folder whose process is killed again and again.

use std::time::Duration;

use crate::{
    api::{API_KEY, SECRET_KEY, Serving, kill},
    cloud::{ROOT, call, works},
    support::Cloudtally,
};

fn start(cloudtally: &Cloudtally) -> Serving {
    let keys = [("CLOUDTALLY_ADMIN_API_KEY", API_KEY), ("CLOUDTALLY_ADMIN_SECRET_KEY", SECRET_KEY)];
    let clock = ["--clock", "sim", "--speed", "0", "--start", "2026-03-06T00:00:00Z"];
    let life = [&clock[..], &["--tenants", "4", "--seed", "5"]].concat();
    Serving::start_with(cloudtally, &life, &keys)
}

/// Over a change of the clocks: no kill loses or doubles anything, whatever it meets.
#[test]
fn killed_in_the_middle_of_life_the_bill_is_what_tenants_had() {
    let cloudtally = Cloudtally::new();
    cloudtally.ok(&["settings", "usage.aggregation.timezone", "America/New_York"]);
    let mut killed = 0;
    for round in 0..8u64 {
        let serving = start(&cloudtally);
        std::thread::scope(|scope| {
            let victim = serving.process_id();
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(40 + round * 135));
                kill(victim);
            });
            // It is killed long before a year is over.
            for _ in 0..730 {
                let on = [("command", "advanceClock"), ("seconds", "43200")];
                if call(&serving, ROOT, &on).is_none() {
                    killed += 1;
                    break;
                }
            }
        });
    }
    assert_eq!(killed, 8);
    let serving = start(&cloudtally);
    let clock = works(&serving, ROOT, &[("command", "advanceClock"), ("seconds", "180000")]);
    assert!(clock["clock"].is_object(), "{clock}");
    serving.signal("-TERM");
    let log = std::fs::read_to_string(cloudtally.path("serve.log")).unwrap();
    assert!(!log.contains("ERROR"), "{log}");
    let checked = cloudtally.ok(&["check"]);
    assert!(checked.contains("what its tenants had:"), "{checked}");
    let usage = cloudtally.ok(&["usage", "--group-by", "type"]);
    for name in ["Running Vm Usage", "Network Usage (Bytes Sent)", "Volume Usage"] {
        assert!(usage.contains(name), "{usage}");
    }
}
