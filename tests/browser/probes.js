// What the tests of test_everybody.py ask of a page. One object of functions; each lists what fails.
({
  openAll() {
    for (const details of document.querySelectorAll("details")) details.open = true;
  },

  // Elements that a keyboard reaches and that do not show it: an outline of at least 2 px, in a
  // colour that stands out from what is around it. Returns how many there are, and those that fail.
  withoutFocus() {
    const reached = "a[href], button, input, select, textarea, summary, [tabindex]";
    const isThere = (element) =>
      !element.disabled && element.tabIndex >= 0 && element.checkVisibility({ visibilityProperty: true });
    const rgb = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
    const linear = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const luminance = ([red, green, blue]) =>
      0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
    const contrast = (one, other) => {
      const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05);
    };
    const ground = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const found = rgb(getComputedStyle(at).backgroundColor);
        if (found.length === 3 || found[3] > 0) return found;
      }
      return [255, 255, 255];
    };
    const isOutlined = (element) => {
      if (!element) return false;
      const style = getComputedStyle(element);
      if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return false;
      return contrast(rgb(style.outlineColor), ground(element.parentElement)) >= 3;
    };
    const failing = [];
    let seen = 0;
    for (const element of document.querySelectorAll(reached)) {
      if (!isThere(element)) continue;
      seen += 1;
      element.focus({ preventScroll: true });
      // A choice is drawn as the words beside it.
      const isWords = element.matches(".segments input, .choices input");
      const shown = isWords ? element.nextElementSibling : element;
      if (document.activeElement !== element || !isOutlined(shown)) {
        failing.push(element.outerHTML.slice(0, 140));
      }
    }
    return [seen, failing];
  },

  // Targets that are less wide or high than some CSS pixels.
  tooSmall(least, selector) {
    // A link among the words of its paragraph is as high as its line (an exception of WCAG 2.5.8).
    const isInSentence = (element) => {
      if (element.tagName !== "A" || getComputedStyle(element).display !== "inline") return false;
      return [...element.parentElement.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && /[\p{L}\p{N}·]/u.test(node.textContent),
      );
    };
    const failing = [];
    for (const element of document.querySelectorAll(selector)) {
      if (element.closest('[aria-hidden="true"]')) continue; // out of everybody's way
      if (element.disabled || !element.checkVisibility({ visibilityProperty: true })) continue;
      // What carries a label is as large as the label.
      const isTicked = element.matches("[type=radio], [type=checkbox]");
      const target = (isTicked && element.labels?.[0]) || element;
      const { width, height } = target.getBoundingClientRect();
      if (width < 2 || height < 2) continue; // there for screen readers only
      if ((width < least || height < least) && !isInSentence(element)) {
        const size = `${Math.round(width)} × ${Math.round(height)}`;
        failing.push(`${size}: ${element.outerHTML.slice(0, 140)}`);
      }
    }
    return failing;
  },

  // Elements that would move: animations, transitions, smooth scrolling.
  moving() {
    const seconds = (text) =>
      Math.max(...text.split(",").map((part) => parseFloat(part) * (part.endsWith("ms") ? 0.001 : 1)));
    const failing = document.getAnimations().map((animation) => `${animation.constructor.name} runs`);
    for (const element of document.querySelectorAll("*")) {
      const name = `${element.tagName}.${element.className}`;
      for (const pseudo of [null, "::before", "::after", "::backdrop"]) {
        const style = getComputedStyle(element, pseudo);
        const isAnimated = style.animationName !== "none" && seconds(style.animationDuration) > 0.01;
        const takes = seconds(style.transitionDuration) + seconds(style.transitionDelay);
        if (isAnimated || takes > 0.01) failing.push(`${name} ${pseudo ?? ""}`);
      }
      if (getComputedStyle(element).scrollBehavior === "smooth") failing.push(`${name} scrolls`);
    }
    return failing;
  },
})
