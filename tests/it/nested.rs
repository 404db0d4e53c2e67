//! A runbook whose steps are in another one: checked, pinned, run, killed in the middle and resumed.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::Value as Json;

use crate::services::console::{Console, said, text};

const OUTER: &str = r#"steadyhand: 1
id: outer
title: The whole
objectives: {rto: 30m}
inputs:
  ledger: {type: path}
  password: {type: secret, env: OUTER_PASSWORD}
  extra: {type: boolean, default: false}
steps:
  - id: first
    title: Before
    do: {shell: {run: 'echo first >> "$INPUT_LEDGER"; echo main'}}
    save: {place: result.stdout}
  - id: part
    title: The part
    do:
      runbook:
        id: ./parts/part.yaml
        inputs:
          book: "${{ inputs.ledger }}"
          place: "${{ steps.first.place }}"
          password: "${{ inputs.password }}"
  - id: again
    title: Not this time
    when: inputs.extra
    do:
      runbook:
        id: ./parts/deep.yaml
        inputs: {book: "${{ inputs.ledger }}", place: extra}
  - id: last
    title: After
    do:
      shell:
        argv: [sh, -c, 'echo "last $0" >> ledger', "${{ steps.part.deeper.write.said + steps.part.work.place }}"]
"#;

const PART: &str = r#"steadyhand: 1
id: part
title: The part
inputs:
  book: {type: path}
  place: {type: string, pattern: '[a-z]+'}
  password: {type: secret}
  label: {type: string, default: "${{ inputs.place + '-label' }}"}
steps:
  - id: work
    title: "Work in ${{ inputs.place }}"
    do: {shell: {run: 'echo "work $INPUT_LABEL ${#INPUT_PASSWORD}" >> "$INPUT_BOOK"; echo "$INPUT_PASSWORD"'}}
    expect: [inputs.place == 'main']
    save: {place: inputs.place}
  - id: deeper
    title: Deeper
    when: steps.work.place == 'main'
    do: {runbook: {id: deep.yaml, inputs: {book: "${{ inputs.book }}", place: "${{ steps.work.place }}"}}}
"#;

const DEEP: &str = r#"steadyhand: 1
id: deep
title: The innermost part
inputs:
  book: {type: path}
  place: {type: string}
steps:
  - id: write
    title: Write it down
    do: {shell: {run: 'echo "write $INPUT_PLACE" >> "$INPUT_BOOK"; echo "in $INPUT_PLACE"'}}
    save: {said: result.stdout}
  - id: check
    title: Look at it
    effect: reads
    do: {shell: {run: 'grep -c . "$INPUT_BOOK"'}}
    expect: ["steps.write.said == 'in ' + inputs.place"]
    milestone: service_restored
"#;

const PASSWORD: &str = "correct-horse-battery";

fn place() -> Console {
    let console = Console::new(OUTER);
    std::fs::create_dir(console.file("parts")).unwrap();
    std::fs::write(console.file("parts/part.yaml"), PART).unwrap();
    std::fs::write(console.file("parts/deep.yaml"), DEEP).unwrap();
    console
}

fn finished(records: &[Json]) -> Vec<(String, String)> {
    let finished = records
        .iter()
        .filter(|r| matches!(r["type"].as_str(), Some("attempt_finished" | "step_not_applicable")));
    let text = |json: &Json| json.as_str().unwrap_or("not applicable").to_owned();
    finished.map(|r| (text(&r["step"]), text(&r["body"]["outcome"]))).collect()
}

#[test]
fn killed_in_a_nested_step_it_goes_on_from_what_was_pinned() {
    let console = place();
    let ledger = console.file("ledger");
    let given = format!("ledger={}", ledger.display());
    let mut begun = console.drill(&["-i", &given]);
    begun.env("OUTER_PASSWORD", PASSWORD);
    begun.env("STEADYHAND_FAILPOINT", "fact:attempt_started:part/deeper/write");
    let output = begun.output().unwrap();
    assert_eq!(output.status.signal(), Some(9), "{}", said(&output));

    // Whatever the files say now, the run has its own.
    std::fs::write(console.file("parts/part.yaml"), "steadyhand: 1\n").unwrap();
    std::fs::remove_file(console.file("parts/deep.yaml")).unwrap();
    let mut resumed = console.steady(&["resume", "--auto"]);
    let output = resumed.env("OUTER_PASSWORD", PASSWORD).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));

    assert_eq!(text(&ledger), "first\nwork main-label 21\nwrite main\nlast in mainmain\n");
    let records = console.records();
    let expected = [
        ("first", "succeeded"),
        ("part/work", "succeeded"),
        ("part/deeper/write", "succeeded"),
        ("part/deeper/check", "succeeded"),
        ("again/write", "not applicable"),
        ("again/check", "not applicable"),
        ("last", "succeeded"),
    ];
    let expected: Vec<_> = expected.map(|(s, o)| (s.to_owned(), o.to_owned())).into();
    assert_eq!(finished(&records), expected);
    assert!(
        records.iter().any(|r| r["type"] == "milestone_reached"),
        "children's milestones count"
    );

    // The outer secret is masked under its own name, and nothing of it is on the disk.
    let output = text(&console.run().join("output/part+work.1.log"));
    assert_eq!(output, "«secret password»\n");

    let included = records[0]["body"]["included"].as_object().unwrap();
    let names: Vec<_> = included.keys().map(String::as_str).collect();
    assert_eq!(names, ["again.yaml", "part+deeper.yaml", "part.yaml"]);
    let run = console.run().display().to_string();
    assert!(console.steady(&["verify", &run]).output().unwrap().status.success());
    let pinned = console.run().join("included/part+deeper.yaml");
    std::fs::write(&pinned, text(&pinned) + "\n").unwrap();
    let output = console.steady(&["verify", &run]).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert!(said(&output).contains("included/part+deeper.yaml"), "{}", said(&output));
}

#[test]
fn the_plan_shows_every_step_and_a_bad_value_refuses_the_step() {
    let console = place();
    let given = format!("ledger={}", console.file("ledger").display());
    let output =
        console.steady(&["show", "./runbook.yaml", "-i", &given, "--json"]).output().unwrap();
    let plan: Json = serde_json::from_slice(&output.stdout).unwrap();
    let ids: Vec<_> = plan["steps"].as_array().unwrap().iter().map(|s| s["id"].clone()).collect();
    let all = [
        "first",
        "part/work",
        "part/deeper/write",
        "part/deeper/check",
        "again/write",
        "again/check",
        "last",
    ];
    assert_eq!(ids, all);

    // What an earlier step says may be no value of the other runbook's input: nothing is run with it.
    std::fs::write(console.file("runbook.yaml"), OUTER.replace("echo main", "echo Main")).unwrap();
    let mut run = console.drill(&["-i", &given]);
    let output = run.env("OUTER_PASSWORD", PASSWORD).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("the input `place` of `part`"), "{}", said(&output));
    assert_eq!(text(&console.file("ledger")), "first\n");
}
