"""Rules about the geometry of a page, measured in the browser."""

from typing import Any

# Each returns texts that say what is wrong. Visible boxes only; a pixel is for rounding.
RULES = """() => {
    scrollTo(0, 0);
    const faults = [];
    const shown = selector => [...document.querySelectorAll(selector)].filter(each => each.checkVisibility());
    const box = each => each.getBoundingClientRect();
    const name = each => each.outerHTML.slice(0, 120);
    const is = (one, other) => Math.abs(one - other) <= 1;

    // An input is as wide as its content or its placeholder, where there is room. No text is cut off.
    for (const input of innerWidth > 800 ? shown("input, textarea") : []) {
        if (input.scrollWidth > input.clientWidth + 1) faults.push(`content is cut off: ${name(input)}`);
    }
    for (const each of shown("body *:not(input, textarea)")) {
        const style = getComputedStyle(each), hides = ["hidden", "clip"].includes(style.overflowX);
        if (hides && each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1) {
            faults.push(`text is cut off: ${name(each)}`);
        }
    }
    // The icon of an outcome begins where its heading does.
    for (const mark of shown(".outcome__mark")) {
        if (!is(box(mark).left, box(mark.parentElement.querySelector("h1")).left)) faults.push("icon is out of line");
    }
    // The values below labels in a row have one height.
    for (const list of shown(".facts--row")) {
        const tops = new Map();
        for (const row of list.children) {
            const [label, value] = ["dt", "dd"].map(kind => Math.round(box(row.querySelector(kind)).top));
            if (tops.has(label) && !is(tops.get(label), value)) faults.push(`value is out of line: ${name(row)}`);
            tops.set(label, value);
        }
    }
    // The menu begins below the header, on every page.
    for (const menu of shown("#nav-sidebar")) {
        if (!is(box(menu).top, box(document.getElementById("header")).bottom)) faults.push("the menu is pushed down");
    }
    // The header's parts stand beside each other.
    const brand = document.querySelector("#header .brand");
    for (const other of brand ? shown("#user-tools, #header .menu > summary") : []) {
        if (box(brand).right > box(other).left + 1) faults.push(`the brand overlaps: ${name(other)}`);
    }
    // A checkbox begins where the other fields of its form do.
    const row = ".aligned .form-row:not(:has(.form-multiline)) .flex-container";
    const others = shown(`${row} > :is(input:not([type=checkbox]), select, textarea)`);
    for (const checkbox of shown(`${row}.checkbox-row > input`)) {
        if (others.some(other => !is(box(other).left, box(checkbox).left))) {
            faults.push(`checkbox is out of line: ${name(checkbox)}`);
        }
    }
    // Sorting has no numbers, links to add rows have none of Django's pictures, and an email address is no code.
    for (const each of shown(".sortpriority")) faults.push(`number of sorting: ${name(each)}`);
    for (const each of shown(".addlink, .add-row a")) {
        if (getComputedStyle(each).backgroundImage !== "none") faults.push(`picture of Django: ${name(each)}`);
    }
    for (const input of shown("input").filter(each => each.value.includes("@"))) {
        if (getComputedStyle(input).fontFamily.includes("monospace")) faults.push(`email as code: ${name(input)}`);
    }
    return faults;
}"""


def find_layout_faults(place: Any) -> list[str]:
    faults: list[str] = place.evaluate(RULES)
    return faults
