//! The harness on targets with known faults.

use super::*;

fn corpora() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("of-the-harness")).unwrap();
    fs::write(dir.path().join("of-the-harness/one"), "id,2026\nabc,7\n").unwrap();
    dir
}

fn target(corpora: &tempfile::TempDir) -> Target<'_> {
    let corpora = corpora.path().to_str().unwrap();
    Target { name: "of-the-harness", corpora, rounds: 3000, words: &["word"] }
}

#[test]
fn a_seed_tries_the_same_inputs_each_time() {
    if env::var_os("CLOUDTALLY_FUZZ_SECONDS").is_some() {
        return;
    }
    let corpora = corpora();
    let inputs = || {
        let mut inputs = Vec::new();
        let tried = target(&corpora).run(|input| {
            inputs.push(input.to_vec());
            input.len()
        });
        assert_eq!((tried.corpus, tried.rounds), (1, 3000));
        assert!(tried.found > 20, "{tried:?}");
        inputs
    };
    let first = inputs();
    assert_eq!(first, inputs());
    let distinct: HashSet<&Vec<u8>> = first.iter().collect();
    assert!(distinct.len() > 2000, "{}", distinct.len());
}

/// Three steps that each need luck, and each show: what was found is built upon.
#[test]
fn what_the_target_sees_leads_it_on() {
    let corpora = corpora();
    let mut deepest = 0;
    let target = Target { rounds: 60_000, ..target(&corpora) };
    target.run(|input| {
        let depth = input.iter().zip(b"{%&").take_while(|(found, wanted)| found == wanted).count();
        deepest = deepest.max(depth);
        depth
    });
    assert_eq!(deepest, 3);
}

#[test]
fn an_input_that_fails_is_kept_and_fails_again() {
    let corpora = corpora();
    let fails = |input: &[u8]| assert!(!input.contains(&0), "a zero");
    let target = Target { name: "of-the-harness", ..target(&corpora) };
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz/of-the-harness-fails");
    drop(fs::remove_dir_all(&kept));
    fs::rename(corpora.path().join("of-the-harness"), corpora.path().join("of-the-harness-fails"))
        .unwrap();
    let target = Target { name: "of-the-harness-fails", ..target };
    assert!(catch_unwind(AssertUnwindSafe(|| target.run(fails))).is_err());
    let left: Vec<PathBuf> = fs::read_dir(&kept).unwrap().map(|e| e.unwrap().path()).collect();
    let [input] = &left[..] else { panic!("{left:?}") };
    assert!(fs::read(input).unwrap().contains(&0));
    assert!(catch_unwind(AssertUnwindSafe(|| target.run_alone(input, fails))).is_err());
}

#[test]
fn reasons_of_a_kind_differ_in_their_values_alone() {
    assert_eq!(kind_of("column `id`: `17` is larger than 9"), "column :  is larger than ");
}
