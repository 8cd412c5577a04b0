// Keeps the end of the conversation in view while it grows, until the reader scrolls away from it.

const NEAR_PX = 32;

export class Follower {
  #scroller;
  #content;
  #jump;
  #pinned = true;
  #lastTop = 0;
  #drawn = false;

  /** @param {HTMLElement} scroller @param {HTMLElement} content @param {HTMLButtonElement} jump goes back to the end */
  constructor(scroller, content, jump) {
    this.#scroller = scroller;
    this.#content = content;
    this.#jump = jump;
    scroller.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    scroller.addEventListener('wheel', (event) => {
      if (event.deltaY < 0 && this.#overflows()) this.#pin(false);
    }, { passive: true });
    jump.addEventListener('click', () => this.toEnd());
    const resized = new ResizeObserver(() => this.follow());
    resized.observe(scroller);
    resized.observe(content);
  }

  /** The content may have grown. */
  follow() {
    // The first screen, where there is no conversation, is read from its beginning.
    if (this.#pinned && this.#content.clientHeight > 0) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#show();
  }

  toEnd() {
    this.#pin(true);
    this.follow();
  }

  #onScroll() {
    const { scrollTop } = this.#scroller;
    const left = this.#distanceToEnd();
    if (scrollTop < this.#lastTop && left > 1) this.#pin(false);
    else if (scrollTop >= this.#lastTop && left < NEAR_PX) this.#pin(true);
    this.#lastTop = scrollTop;
  }

  #pin(pinned) {
    this.#pinned = pinned;
    this.#show();
  }

  #show() {
    const wanted = !this.#pinned && this.#overflows();
    if (wanted === this.#drawn) return;
    this.#drawn = wanted;
    this.#jump.hidden = !wanted;
  }

  #distanceToEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #overflows() {
    return this.#scroller.scrollHeight > this.#scroller.clientHeight + 1;
  }
}
