//! What nearly every component needs and what never changes: the way to the worker and to the reducer.

use std::ops::Deref;
use std::rc::Rc;

use yew::prelude::*;

use super::bridge::Link;
use super::model::{Action, Model};
use super::stage::store::Store;
use crate::wire::ToWorker;

/// Shared data that is compared by its address: whoever changes it makes a new one.
#[derive(Debug, Default)]
pub struct Shared<T>(Rc<T>);

impl<T> Shared<T> {
    pub fn new(value: T) -> Shared<T> {
        Shared(Rc::new(value))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(self.0.clone())
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> Shared<T> {
    /// For changing: others keep what they have.
    pub fn make_mut(&mut self) -> &mut T {
        Rc::make_mut(&mut self.0)
    }
}

/// Given to all components as a context.
#[derive(Clone)]
pub struct Hands {
    link: Link,
    dispatch: UseReducerDispatcher<Model>,
    pub store: Store,
}

impl PartialEq for Hands {
    /// There is one for the page's whole life.
    fn eq(&self, _: &Hands) -> bool {
        true
    }
}

impl Hands {
    pub fn new(link: Link, dispatch: UseReducerDispatcher<Model>, store: Store) -> Hands {
        Hands { link, dispatch, store }
    }

    pub fn send(&self, message: ToWorker) {
        self.link.send(message);
    }

    pub fn act(&self, action: Action) {
        self.dispatch.dispatch(action);
    }

    /// A callback that sends what it is told to.
    pub fn sends<E: 'static>(&self, message: impl Fn() -> ToWorker + 'static) -> Callback<E> {
        let hands = self.clone();
        Callback::from(move |_| hands.send(message()))
    }

    /// A callback that changes the page only.
    pub fn acts<E: 'static>(&self, action: impl Fn() -> Action + 'static) -> Callback<E> {
        let hands = self.clone();
        Callback::from(move |_| hands.act(action()))
    }
}

/// The hands, inside a component.
#[hook]
pub fn use_hands() -> Hands {
    use_context::<Hands>().expect("App provides the hands")
}
