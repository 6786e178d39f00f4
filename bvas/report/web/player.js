// The video, frame by frame. Where there is none to play, the position moves all the same.

class Player {
  constructor(element) {
    this.element = element;
    this.frames = null;
    this.frame = 0;
    this.moved = () => {};
    this.stateChanged = () => {};
    this.failed = () => {};
    this.wanted = null; // a frame to go to once the present seek is done
    element.addEventListener("seeked", () => this.seekOn());
    element.addEventListener("loadedmetadata", () => this.goTo(this.frame));
    for (const name of ["play", "pause", "ratechange", "volumechange"]) {
      element.addEventListener(name, () => this.stateChanged());
    }
    element.addEventListener("pause", () => this.goTo(this.frame));
    element.addEventListener("error", () => element.getAttribute("src") && this.failed());
    this.watch();
  }

  open(href, frames, frame) {
    this.frames = frames;
    this.frame = frame;
    this.wanted = null;
    this.element.pause();
    if (href === null) this.element.removeAttribute("src");
    else this.element.src = href;
    this.element.load();
    this.moved();
  }

  get isPlaying() {
    return !this.element.paused && !this.element.ended;
  }

  get canPlay() {
    return this.element.readyState > 0 && !this.element.error;
  }

  toggle() {
    if (!this.canPlay) return;
    if (this.isPlaying) this.element.pause();
    else this.element.play().catch(() => {}); // a seek may interrupt the start
  }

  // Shows a frame: a moment in the middle of its interval.
  goTo(frame) {
    this.frame = Math.min(Math.max(frame, 0), this.frames.count - 1);
    if (this.canPlay) {
      this.wanted = this.frame;
      if (!this.element.seeking) this.seekOn();
    }
    this.moved();
  }

  step(number) {
    if (this.isPlaying) this.element.pause();
    this.goTo(this.frame + number);
  }

  // While the hand drags, only the latest frame is worth a seek.
  seekOn() {
    if (this.wanted === null) return;
    const moment = this.frames.middle(this.wanted);
    this.wanted = null;
    if (Math.abs(this.element.currentTime - moment) > 1e-6) this.element.currentTime = moment;
  }

  // Follows the picture that is on screen while the video plays.
  watch() {
    const follow = (seconds) => {
      if (!this.isPlaying || this.element.seeking || this.wanted !== null || !this.frames) return;
      const frame = this.frames.at(seconds);
      if (frame === this.frame) return;
      this.frame = frame;
      this.moved();
    };
    if (this.element.requestVideoFrameCallback) {
      const next = (_, picture) => {
        follow(picture.mediaTime);
        this.element.requestVideoFrameCallback(next);
      };
      this.element.requestVideoFrameCallback(next);
    } else {
      this.element.addEventListener("timeupdate", () => follow(this.element.currentTime));
    }
  }
}
