//! What an observer hears: each thing once, attributable, in order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use heirloom::testing::{Fault, Operation};
use heirloom::{Event, EventKind, How, Policy, Reason, Refusal, Request, Rotation};
use pollster::block_on;

use crate::support::{Node, START, World, grant, granted, node, request, text};

/// A node with an ear.
fn observed(world: &World) -> (Node, Arc<Mutex<Vec<Event>>>) {
    let heard: Arc<Mutex<Vec<Event>>> = Arc::default();
    let ear = Arc::clone(&heard);
    let observer = move |event: &Event| ear.lock().unwrap().push(event.clone());
    let node = node(&world.store, &world.clock, Policy::default(), 2);
    (node.with_observer(Arc::new(observer)), heard)
}

fn kinds(heard: &Mutex<Vec<Event>>) -> Vec<EventKind> {
    heard.lock().unwrap().drain(..).map(|event| event.kind).collect()
}

#[test]
fn each_thing_that_happens_is_heard_of_once() {
    let world = World::new(Policy::default());
    let (node, heard) = observed(&world);
    let present = |token: &str| block_on(node.refresh(token, request())).unwrap();
    let root = block_on(node.issue(grant())).unwrap();
    assert_eq!(kinds(&heard), [EventKind::Issued]);
    assert_eq!(granted(present(text(&root))).how, How::Rotated);
    assert_eq!(kinds(&heard), [EventKind::Rotated]);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(granted(present(text(&root))).how, How::Replayed);
    let since_rotation = Duration::from_secs(1);
    assert_eq!(kinds(&heard), [EventKind::Replayed { since_rotation }]);
    block_on(node.change_grant(root.family, |_| grant().scope("read"))).unwrap();
    assert_eq!(kinds(&heard), [EventKind::GrantChanged]);
    world.clock.advance(Duration::from_secs(9));
    let heirloom::Outcome::Refused(why) = present(text(&root)) else { panic!("granted") };
    let breach = why.breach().unwrap();
    let [ended, refused] = kinds(&heard)[..] else { panic!("not two") };
    assert_eq!(ended, EventKind::Revoked(Reason::Reuse(breach)));
    assert!(matches!(refused, EventKind::Refused { why: Refusal::Reused(_), presented: Some(_) }));
    world.clock.advance(Duration::from_secs(8 * 86_400));
    block_on(node.purge(9)).unwrap();
    block_on(node.purge(9)).unwrap();
    assert_eq!(kinds(&heard), [EventKind::Purged { families: 1 }]);
}

#[test]
fn a_kept_token_is_heard_of_and_a_look_is_not() {
    let world = World::new(Policy::default());
    let (node, heard) = observed(&world);
    let root = block_on(node.issue(grant())).unwrap();
    kinds(&heard);
    block_on(node.introspect(text(&root))).unwrap();
    block_on(node.explain(text(&root), Request::new("other"))).unwrap();
    drop(block_on(node.begin(text(&root), request())).unwrap());
    assert_eq!(kinds(&heard), []);
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    drop(block_on(node.refresh(text(&root), request().policy(&never))).unwrap());
    assert_eq!(kinds(&heard), [EventKind::Kept]);
}

#[test]
fn an_event_names_family_subject_client_and_instant() {
    let world = World::new(Policy::default());
    let (node, heard) = observed(&world);
    let root = block_on(node.issue(grant())).unwrap();
    let event = heard.lock().unwrap().pop().unwrap();
    let about = event.about.unwrap();
    assert_eq!((about.family, about.generation), (root.family, 0));
    assert_eq!((about.subject(), about.client(), event.at), ("alice", "web-app", START));
}

#[test]
fn a_refusal_without_a_family_is_heard_of_without_attribution() {
    let world = World::new(Policy::default());
    let (node, heard) = observed(&world);
    drop(block_on(node.refresh("nonsense", request())).unwrap());
    let event = heard.lock().unwrap().pop().unwrap();
    assert_eq!(event.about, None);
    assert!(matches!(event.kind, EventKind::Refused { presented: None, .. }));
}

/// The skew of two nodes is measured for the operator.
#[test]
fn a_head_from_later_than_now_is_heard_of_with_the_difference() {
    let world = World::new(Policy::default());
    let (node, heard) = observed(&world);
    let root = block_on(node.issue(grant())).unwrap();
    drop(block_on(node.refresh(text(&root), request())).unwrap());
    kinds(&heard);
    let behind = Duration::from_secs(3);
    world.clock.set(START.saturating_sub(behind));
    assert_eq!(granted(block_on(node.refresh(text(&root), request())).unwrap()).how, How::Replayed);
    let [skew, replayed] = kinds(&heard)[..] else { panic!("not two") };
    assert_eq!(skew, EventKind::ClockBehind { behind });
    assert_eq!(replayed, EventKind::Replayed { since_rotation: Duration::ZERO });
}

/// Two nodes' clocks differed, and a call that lost race after race told the operator of it at each.
#[test]
fn a_clock_that_lies_behind_is_heard_of_once_in_a_call_however_often_it_tries() {
    let world = World::new(Policy::default());
    let (node, heard) = observed(&world);
    let root = block_on(node.issue(grant())).unwrap();
    kinds(&heard);
    world.clock.set(START.saturating_sub(Duration::from_secs(3)));
    world.store.fail(Fault::Conflict, 2, |operation| operation == Operation::Advance);
    // Narrowed, so that each attempt looks at the family first.
    drop(block_on(node.refresh(text(&root), request().scope("read"))).unwrap());
    let behind = |kind: &EventKind| matches!(kind, EventKind::ClockBehind { .. });
    assert_eq!(kinds(&heard).iter().filter(|kind| behind(kind)).count(), 1);
}
