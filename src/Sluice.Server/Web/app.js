// Puts the page together.

import { Connection } from './api/connection.js';
import { Chat } from './chat/chat.js';
import { Composer } from './chat/composer.js';
import { Conversation } from './chat/conversation.js';
import { MessageList } from './chat/messages.js';
import { Follower } from './chat/scroll.js';
import { Banner } from './page/banner.js';
import { copyText } from './page/clipboard.js';
import { byId } from './page/dom.js';
import { onRefusal } from './page/store.js';
import { setUpTheme } from './page/theme.js';
import { Toast } from './page/toast.js';
import { setUpWelcome } from './page/welcome.js';
import { Keys } from './settings/key.js';
import { setUpPanel } from './settings/panel.js';
import { Settings } from './settings/settings.js';

const COPIED_MS = 1500;

const toast = new Toast(byId('toast'));
onRefusal((message) => toast.show(message));
setUpTheme(byId('theme'));

const settings = new Settings();
setUpPanel(byId('settings'), settings);
byId('open-settings').addEventListener('click', () => byId('settings').showModal());

const keys = new Keys(byId('key'), () => connection.check());
const connection = new Connection(keys);
new Banner(byId('connection'), connection, () => keys.ask(false));
connection.addEventListener('change', showModel);

const conversation = new Conversation();
const list = new MessageList(byId('messages'), {
  copy: (answer) => copy(answer.message.text, 'Answer copied'),
  copyCode: async (text, button) => {
    if (!await copy(text, 'Code copied')) return;
    button.classList.add('copied');
    setTimeout(() => button.classList.remove('copied'), COPIED_MS);
  },
  regenerate: () => {
    follower.toEnd();
    chat.regenerate();
  },
});
const chat = new Chat({ conversation, connection, settings, keys, list });
const follower = new Follower(byId('scroller'), byId('messages'), byId('jump'));
const welcome = setUpWelcome(byId('welcome'), ask);
const composer = new Composer(byId('composer'), { send: ask, stop: () => chat.stop(), changed: (text) => welcome.written(text) });

chat.addEventListener('grow', () => follower.follow());
chat.addEventListener('change', showChat);
byId('new-chat').addEventListener('click', newChat);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && chat.isRunning && !document.querySelector('dialog[open]')) {
    event.preventDefault();
    chat.stop();
  }
});

showChat();
follower.toEnd();
composer.focus();
connection.check();

function ask(text) {
  if (chat.isRunning) return;
  toast.hide(); // an undo would mix two conversations
  chat.ask(text);
  follower.toEnd();
  composer.focus();
}

function newChat() {
  if (!chat.isEmpty) {
    const undo = chat.clear();
    byId('scroller').scrollTop = 0;
    toast.show('The conversation was cleared.', { label: 'Undo', run: undo });
  }
  composer.focus();
}

function showChat() {
  const { isRunning, isEmpty } = chat;
  const wasRunning = document.body.classList.contains('flowing');
  document.body.classList.toggle('flowing', isRunning);
  document.body.classList.toggle('empty', isEmpty);
  byId('welcome').hidden = !isEmpty;
  byId('new-chat').disabled = isEmpty;
  composer.setRunning(isRunning);
  if (isRunning !== wasRunning) byId('announcer').textContent = isRunning ? 'The answer is on its way.' : outcome(conversation.last);
}

function outcome(message) {
  switch (message?.state) {
    case 'done': return 'The answer is complete.';
    case 'stopped': return 'The answer was stopped.';
    case 'failed': return 'The answer failed.';
    default: return '';
  }
}

function showModel() {
  const { state } = connection;
  const label = byId('model');
  label.dataset.kind = state.kind;
  if (state.kind === 'locked') keys.ask(state.refused);
  if (state.kind !== 'ready') return;
  const { id, description, contextLength } = state.model;
  label.querySelector('.name').textContent = id;
  label.title = [description, contextLength && `${contextLength.toLocaleString('en')} tokens of context`].filter(Boolean).join(' · ');
}

async function copy(text, done) {
  try {
    await copyText(text);
    toast.show(done);
    return true;
  } catch (error) {
    toast.show(`Copying failed: ${error.message}`);
    return false;
  }
}
