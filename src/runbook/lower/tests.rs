use super::*;

const HEAD: &str = "steadyhand: 1\nid: x\ntitle: X\n";

/// Line, column, code and help of every problem.
fn problems(text: &str) -> Vec<(usize, usize, &'static str, String)> {
    let checked = check(text.as_bytes(), "a.yaml");
    let list: Vec<_> = checked
        .problems
        .into_iter()
        .map(|p| {
            (p.line, p.column, p.code, format!("{} / {}", p.message, p.help.unwrap_or_default()))
        })
        .collect();
    assert_eq!(checked.runbook.is_none(), list.iter().any(|p| !p.2.ends_with("-met")), "{list:?}");
    list
}

/// A runbook with these inputs and steps, and the problems in it, from the first line of `rest` on.
fn places(rest: &str) -> Vec<(usize, usize, &'static str)> {
    problems(&format!("{HEAD}{rest}")).into_iter().map(|(l, c, code, _)| (l - 3, c, code)).collect()
}

/// The problems of one step with these keys besides its id and title.
fn step(keys: &str) -> Vec<(usize, usize, &'static str)> {
    let keys: String = keys.lines().map(|line| format!("    {line}\n")).collect();
    let inputs = "inputs: {name: {type: string}, n: {type: integer}, pw: {type: secret}, at: {type: timestamp}}\n";
    places(&format!("{inputs}steps:\n  - id: a\n    title: A\n{keys}"))
        .into_iter()
        .map(|(line, column, code)| (line - 4, column.saturating_sub(4), code))
        .collect()
}

#[test]
fn two_misspelt_keys_in_two_steps_are_two_problems() {
    let found = problems(&format!(
        "{HEAD}steps:\n  - id: a\n    title: A\n    do: {{manual: }}\n    gaurd: none\n  - id: b\n    titel: B\n    title: B\n    do: {{manual: }}\n"
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((found[0].0, found[0].1, found[0].2), (8, 5, "unknown-key"));
    assert!(found[0].3.contains("did you mean `guard`?"));
    assert_eq!((found[1].0, found[1].1, found[1].2), (10, 5, "unknown-key"));
}

#[test]
fn expressions_are_typed_at_their_exact_place() {
    for (keys, expected) in [
        ("do: {manual: }\nwhen: inputs.nmae == 'x'", (2, 14, "undefined-input")),
        ("do: {manual: }\nwhen: \"inputs.name == 5\"", (2, 8, "type")),
        ("do: {manual: }\nwhen: inputs.name", (2, 7, "not-boolean")),
        ("do: {manual: }\nwhen: result.x", (2, 7, "undefined-name")),
        ("do: {manual: }\nwhen: steps.zz.outcome == 'succeeded'", (2, 13, "undefined-step")),
        ("do: {manual: }\nwhen: steps.a.outcome == 'succeeded'", (2, 13, "later-step")),
        ("do: {manual: }\nwhen: inputs.pw == 'x'", (2, 7, "type")),
        ("do: {manual: }\nwhen: \"${{ true }}\"", (2, 8, "template-not-here")),
        ("do: {manual: }\nwhen: 1 +", (2, 10, "expression")),
        (
            "do: {shell: {run: 'true'}}\nexpect:\n  - |\n    result.exit_code == 0 &&\n      result.nope",
            (5, 14, "undefined-name"),
        ),
        ("do: {shell: {run: 'true'}}\nsave: {code: inputs.pw}", (2, 14, "secret-use")),
        ("do: {shell: {run: 'true'}}\nsave: {outcome: 1}", (2, 8, "bad-name")),
    ] {
        assert_eq!(step(keys), [expected], "{keys}");
    }
}

#[test]
fn what_is_saved_has_a_type_for_later_steps_alone() {
    let rest = "steps:\n  - {id: a, title: A, do: {shell: {run: 'true'}}, save: {code: result.exit_code}}\n\
                \x20 - {id: b, title: B, do: {manual: }, when: steps.a.code == 'x'}\n\
                \x20 - {id: c, title: C, do: {manual: }, when: steps.a.cod == 1}\n\
                \x20 - {id: d, title: D, do: {manual: }, when: steps.e.outcome == 'x'}\n\
                \x20 - {id: e, title: E, do: {manual: }, when: steps.a.code == 0}\n";
    assert_eq!(places(rest), [(3, 45, "type"), (4, 53, "undefined-name"), (5, 51, "later-step")]);
}

#[test]
fn guards_are_strong_enough_for_the_effect() {
    let delete = "do: {rds.delete_cluster: {cluster: c, skip_final_snapshot: true}}";
    assert!(step(delete).is_empty());
    assert_eq!(step(&format!("{delete}\nguard: confirm")), [(2, 8, "weak-guard")]);
    assert_eq!(step(&format!("{delete}\nguard: none")), [(2, 8, "weak-guard")]);
    let shell = "do: {shell: {run: 'rm x'}}\neffect: destroys";
    assert_eq!(step(shell), [(1, 1, "guard-missing")]);
    assert!(step(&format!("{shell}\nguard: {{type: x}}")).is_empty());
    assert_eq!(step(&format!("{shell}\nguard: {{type: ''}}")), [(3, 15, "empty-value")]);
    assert_eq!(step("do: {manual: }\neffect: changes"), [(2, 9, "fixed-effect")]);
}

#[test]
fn nothing_is_repeated_that_cannot_be_known_to_be_safe() {
    let retry = "retry: {times: 2, every: 5s}";
    let changes = "do: {shell: {run: 'true'}}";
    assert_eq!(step(&format!("{changes}\n{retry}")), [(2, 1, "unsafe-retry")]);
    assert!(step(&format!("{changes}\neffect: reads\n{retry}")).is_empty());
    let probe = "probe: {do: {http: {url: 'http://h/'}}, done: result.status == 200}";
    assert!(step(&format!("{changes}\n{probe}\n{retry}")).is_empty());
    let destroys = "do: {shell: {run: 'true'}}\neffect: destroys\nguard: {type: x}";
    assert_eq!(step(&format!("{destroys}\n{probe}\n{retry}")), [(5, 1, "unsafe-retry")]);
    let writes =
        "probe: {do: {http: {url: 'http://h/', method: POST}}, done: result.status == 200}";
    assert_eq!(step(&format!("{changes}\n{writes}")), [(2, 14, "probe-must-read")]);
}

#[test]
fn templates_and_secrets_stay_where_they_are_safe() {
    for (keys, expected) in [
        (
            "do:\n  shell:\n    run: |\n      echo hi\n      rm ${{ inputs.name }}",
            (5, 10, "template-in-script"),
        ),
        ("do: {shell: {argv: [psql, \"${{ inputs.pw }}\"]}}", (1, 31, "secret-use")),
        ("do: {http: {url: \"https://h/?p=${{ inputs.pw }}\"}}", (1, 35, "secret-use")),
        ("do: {http: {url: \"https://u:p@h/\"}}", (1, 27, "secret-in-url")),
        ("do: {http: {url: 'ftp://h/'}}", (1, 18, "bad-url")),
        (
            "do: {http: {url: 'https://h/', query: {p: \"${{ inputs.pw }}\"}}}",
            (1, 47, "secret-use"),
        ),
        ("do: {http: {url: 'https://h/', bearer: hunter2}}", (1, 40, "secret-literal")),
        ("do: {manual: }\ninstructions: \"use ${{ inputs.pw }}\"", (2, 23, "secret-use")),
        ("do: {manual: }\nenv: {A: b}", (2, 1, "misplaced-key")),
        ("do: {manual: }\nevidence: \"${{ inputs.name }}\"", (2, 12, "template-not-here")),
        ("do: {wait: {for: \"${{ inputs.n }}\"}}", (1, 18, "wrong-type")),
        ("do: {wait: {for: 5}}", (1, 18, "bad-duration")),
        ("do: {wait: {until: 2026-01-01T00:00:00}}", (1, 20, "bad-timestamp")),
        ("do: {wait: }", (1, 6, "missing-key")),
        ("do: {shell: {run: a, argv: [b]}}", (1, 22, "misplaced-key")),
        ("do: {manual: , wait: {for: 1s}}", (1, 16, "one-action")),
        ("do: {sehll: {run: a}}", (1, 6, "unknown-action")),
    ] {
        assert_eq!(step(keys), [expected], "{keys}");
    }
    for keys in [
        "do: {http: {url: 'https://h/', bearer: \"${{ inputs.pw }}\"}}",
        "do: {shell: {run: 'psql', stdin: \"${{ inputs.pw }}\"}}\nenv: {PGPASSWORD: \"${{ inputs.pw }}\", PORT: 5432}",
        "do: {http: {url: 'https://h/', headers: {X-Token: \"t ${{ inputs.pw }}\"}}}",
        "do: {rds.restore_cluster_to_point_in_time: {source: a, target: b, to: latest}}",
        "do: {rds.restore_cluster_to_point_in_time: {source: a, target: b, to: \"${{ inputs.at }}\"}}",
    ] {
        assert!(step(keys).is_empty(), "{keys}: {:?}", step(keys));
    }
}

#[test]
fn inputs_hold_what_their_type_says() {
    for (input, expected) in [
        ("{type: string, defualt: x}", (2, 21, "unknown-key")),
        ("{type: strin}", (2, 13, "unknown-word")),
        ("{type: secret, default: hunter2}", (2, 30, "secret-literal")),
        ("{type: integer, default: 010}", (2, 31, "leading-zero")),
        ("{type: boolean, default: yes}", (2, 31, "wrong-type")),
        ("{type: timestamp, default: 2026-01-01 00:00}", (2, 33, "bad-timestamp")),
        ("{type: choice, choices: [a, b], default: c}", (2, 47, "bad-default")),
        ("{type: choice}", (2, 6, "missing-key")),
        ("{type: string, pattern: '['}", (2, 30, "bad-pattern")),
        ("{type: integer, min: 5, max: 3}", (2, 35, "bad-range")),
        ("{type: integer, pattern: x}", (2, 22, "misplaced-key")),
        ("{type: string, default: \"${{ inputs.later }}\"}", (2, 42, "undefined-input")),
    ] {
        let rest =
            format!("inputs:\n  a: {input}\nsteps: [{{id: a, title: A, do: {{manual: }}}}]\n");
        assert_eq!(places(&rest), [expected], "{input}");
    }
}

#[test]
fn a_good_runbook_becomes_a_model() {
    let text = "steadyhand: 1\nid: pitr\ntitle: \"yes\"\nversion: 010\n\
        objectives: {rto: 30m, rpo: 5m}\nrequires: {env: [HOME]}\n\
        inputs:\n  source: {type: string, env: SRC}\n  target: {type: string, default: \"${{ inputs.source + '-new' }}\"}\n\
        recovery_point: \"${{ steps.look.at }}\"\n\
        steps:\n\
        \x20 - id: look\n    title: Look at ${{ inputs.source }}\n    do: {rds.describe_cluster: {cluster: \"${{ inputs.source }}\"}}\n    save: {at: result.latest_restorable_time}\n\
        \x20 - id: gone\n    title: Delete\n    do: {rds.delete_cluster: {cluster: \"${{ inputs.target }}\", skip_final_snapshot: true}}\n    milestone: service_restored\n";
    let (runbook, warnings) = load(text.as_bytes(), "a.yaml").expect("valid");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!((runbook.version.as_deref(), runbook.title.as_str()), (Some("010"), "yes"));
    assert_eq!(runbook.inputs.len(), 2);
    assert!(!runbook.inputs[1].required && runbook.inputs[0].required);
    let guard = &runbook.steps[1].guard;
    assert!(
        matches!(guard, super::super::model::Guard::Type(t) if t.source() == "${{ inputs.target }}")
    );
}

#[test]
fn an_unknown_outcome_is_resolved_by_what_the_action_and_the_step_allow() {
    use super::super::model::OnUnknown::{Ask, Probe, Reattach};

    let shell = "do: {shell: {run: 'true'}}";
    let http = "do: {http: {url: 'http://h/', method: POST}}";
    let probe = "probe: {do: {http: {url: 'http://h/'}}, done: result.status == 200}";
    for (keys, expected) in [
        (vec![shell], Reattach),
        (vec![shell, probe], Reattach),
        (vec![shell, probe, "on_unknown: probe"], Probe),
        (vec![shell, "on_unknown: ask"], Ask),
        (vec![http], Ask),
        (vec![http, probe], Probe),
    ] {
        let keys: String = keys.iter().map(|line| format!("    {line}\n")).collect();
        let text = format!("{HEAD}steps:\n  - id: a\n    title: A\n{keys}");
        let (runbook, _) = load(text.as_bytes(), "a.yaml").expect("valid");
        assert_eq!(runbook.steps[0].on_unknown, expected, "{keys}");
    }
}

#[test]
fn the_limit_of_steps_is_said_once() {
    let steps: String =
        (0..501).map(|n| format!("  - {{id: s{n}, title: S, do: {{manual: }}}}\n")).collect();
    let found = places(&format!("steps:\n{steps}"));
    assert_eq!(found, [(502, 5, "too-many-steps")]);
}
