//! Twelve steps, three of which destroy. Whatever acts writes the id of its attempt into a ledger of its own, synced.

/// Step, and its title on screen.
pub const STEPS: [(&str, &str); 12] = [
    ("declare", "Declare the incident"),
    ("freeze", "Stop the writers"),
    ("count", "Count the rows"),
    ("way", "Choose the way"),
    ("moment", "Wait for the moment"),
    ("drop", "Drop the damaged rows"),
    ("load", "Load the rows"),
    ("wipe", "Wipe the broken copy"),
    ("mark", "Mark the new copy"),
    ("compare", "Compare"),
    ("retire", "Retire the old copy"),
    ("reopen", "Let the writers in"),
];

/// Those that write into a ledger.
pub const ACTS: [&str; 6] = ["freeze", "drop", "load", "wipe", "mark", "retire"];

/// Those of them that destroy.
pub const DESTROYS: [&str; 3] = ["drop", "wipe", "retire"];

/// Lines that `load` prints.
pub const ROWS: usize = 400;

/// `act NAME` writes the attempt into the ledger of that name. `wipe` acts and goes on for a while, `retire` takes a while
/// before it acts; the probe of `mark` asks the ledger.
pub const TWELVE_STEPS: &str = r#"steadyhand: 1
id: twelve-steps
title: Twelve steps
objectives: {rto: 8h}
inputs:
  dir: {type: path}
steps:
  - id: declare
    title: Declare the incident
    do: {manual: {}}
  - id: freeze
    title: Stop the writers
    do: {shell: {run: '. "$INPUT_DIR/act"; act freeze'}}
    milestone: writes_stopped
  - id: count
    title: Count the rows
    effect: reads
    do: {shell: {run: 'echo 400'}}
    save: {rows: result.stdout}
  - id: way
    title: Choose the way
    do: {choose: {options: [fast, safe], default: safe}}
    save: {chosen: result.choice}
  - id: moment
    title: Wait for the moment
    do: {wait: {until: "2026-01-01T00:00:00Z"}}
  - id: drop
    title: Drop the damaged rows
    effect: destroys
    guard: {type: damaged}
    do: {shell: {run: '. "$INPUT_DIR/act"; act drop'}}
  - id: load
    title: Load the rows
    do:
      shell:
        run: |
          . "$INPUT_DIR/act"; act load
          for part in 0 1 2 3; do
            seq $((part * 100 + 1)) $((part * 100 + 100))
            sleep 0.03
          done
  - id: wipe
    title: Wipe the broken copy
    effect: destroys
    guard: {type: broken}
    do: {shell: {run: '. "$INPUT_DIR/act"; act wipe; sleep 0.1'}}
  - id: mark
    title: Mark the new copy
    do: {shell: {run: '. "$INPUT_DIR/act"; act mark'}}
    probe:
      do: {shell: {run: 'wc -l < "$INPUT_DIR/mark.ledger" || echo 0'}}
      done: result.stdout == '1'
  - id: compare
    title: Compare
    effect: reads
    do: {shell: {run: 'echo "$ROWS"'}}
    env: {ROWS: "${{ steps.count.rows }}"}
    expect: [result.stdout == '400', steps.way.chosen == 'safe']
  - id: retire
    title: Retire the old copy
    effect: destroys
    guard: {type: old}
    do: {shell: {run: 'sleep 0.1; . "$INPUT_DIR/act"; act retire'}}
  - id: reopen
    title: Let the writers in
    effect: reads
    do: {shell: {run: 'echo open'}}
    milestone: service_restored
"#;

/// The file `act` of the scripts.
pub const ACT: &str = r#"act() {
  printf '%s\n' "$STEADYHAND_ATTEMPT" >> "$INPUT_DIR/$1.ledger"
  sync "$INPUT_DIR/$1.ledger"
}
"#;
