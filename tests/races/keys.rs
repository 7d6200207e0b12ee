//! Every order of a key's roll-out over two nodes and two exchanges of one token: none is refused, and all get the
//! identical string (P14).

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::Poll;

use heirloom::{KeyRing, Policy, Store};

use crate::races::nodes::Nodes;
use crate::support::exchange::{Way, exchange};
use crate::support::schedule::{Task, every_order};
use crate::support::{Node, granted, key, text};

/// Lets the scheduler turn to another task.
async fn turn() {
    let mut turned = false;
    poll_fn(|_| match std::mem::replace(&mut turned, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Every node accepts the new key before any activates it.
async fn roll_out(one: &Node, other: &Node) {
    let accepting = KeyRing::new(key(1)).accept(key(2)).unwrap();
    one.set_keys(accepting.clone());
    turn().await;
    other.set_keys(accepting.clone());
    turn().await;
    one.set_keys(accepting.clone().activate(2).unwrap());
    turn().await;
    other.set_keys(accepting.activate(2).unwrap());
}

#[test]
fn a_roll_out_of_a_key_refuses_nobody_and_changes_no_successor_in_any_order() {
    let nodes = Nodes::new(Policy::default());
    let (one, other) = (&nodes.world.node, &nodes.other);
    let mut keys_seen = [0; 3];
    every_order(|schedule| {
        one.set_keys(KeyRing::new(key(1)));
        other.set_keys(KeyRing::new(key(1)));
        let token = nodes.issued();
        let outcomes = RefCell::new(Vec::new());
        let present = async |node| {
            let outcome = exchange(node, text(&token), Way::Refresh).await.unwrap();
            outcomes.borrow_mut().push(granted(outcome));
        };
        let tasks: Vec<Task<'_>> =
            vec![Box::pin(roll_out(one, other)), Box::pin(present(one)), Box::pin(present(other))];
        schedule.all(tasks);
        let outcomes = outcomes.into_inner();
        let again = granted(nodes.now(text(&token), Way::Refresh).unwrap());
        assert!(outcomes.iter().all(|it| text(it) == text(&again)));
        let stored = nodes.world.store.inner().load(token.family);
        let family = pollster::block_on(stored).unwrap().unwrap();
        keys_seen[usize::from(family.head.key.as_u8())] += 1;
        assert_eq!(granted(nodes.now(text(&again), Way::Refresh).unwrap()).generation, 3);
    });
    assert!(keys_seen[1] > 0 && keys_seen[2] > 0, "both keys have minted: {keys_seen:?}");
}
