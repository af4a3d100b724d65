//! Lists, and tables whose keys the writer chooses.

use std::collections::HashSet;

use toml::de::{DeArray, DeTable};

use super::{Datum, Fields, Item, Reader, join};
use crate::config::{
    form::{Form, clip},
    kind::Kind,
    problem::Place,
};

impl Reader<'_, '_> {
    pub(super) fn list(
        &mut self,
        of: &Kind,
        max: usize,
        values: &DeArray<'_>,
        place: &Place,
    ) -> Option<Datum> {
        let allowed = || format!("1 to {max} of: {}", of.allowed());
        if values.is_empty() {
            self.error(place, "is empty".to_owned(), Some(allowed()));
            return None;
        }
        if values.len() > max {
            let message = format!("has {} entries", values.len());
            self.error(place, message, Some(allowed()));
            return None;
        }
        let (mut items, mut seen) = (Vec::with_capacity(values.len()), HashSet::new());
        for (index, value) in values.iter().enumerate() {
            let Some(item) = self.value(of, value, format!("{}[{index}]", place.path)) else {
                continue;
            };
            if item.text().is_some_and(|text| !seen.insert(text.to_owned())) {
                let text = clip(item.text().unwrap_or_default());
                self.error(&item.place, format!("`{text}` stands in the list twice"), None);
                continue;
            }
            items.push(item);
        }
        Some(Datum::List(items))
    }

    pub(super) fn map(
        &mut self,
        form: Form,
        of: &Kind,
        written: &DeTable<'_>,
        place: &Place,
    ) -> Fields {
        let mut fields = Fields { place: place.clone(), ..Fields::default() };
        for (name, value) in written.iter() {
            let path = join(&place.path, name.get_ref());
            if let Err(message) = form.check(name.get_ref()) {
                let place = Place { at: name.span().start, path };
                self.error(&place, message, Some(form.allowed().to_owned()));
                continue;
            }
            let item = self.value(of, value, path);
            let entry: Option<(String, Item)> = item.map(|item| (name.get_ref().to_string(), item));
            fields.entries.extend(entry);
        }
        fields
    }
}
