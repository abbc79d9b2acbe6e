"""What a browser says it is, in a few words. Pure: no Django."""

import re

_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "Chromebook",
    "Linux": "Linux",
}
# In this order: most of them call themselves Chrome or Safari as well.
_BROWSERS = {
    "Edg": "Edge",
    "EdgA": "Edge",
    "EdgiOS": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}


def device(user_agent: str) -> str:
    """Return what `user_agent` says in words, as "Firefox, Android"; what it does not say is left out."""
    system = next((name for word, name in _SYSTEMS.items() if word in user_agent), "")
    browser = next((name for word, name in _BROWSERS.items() if re.search(rf"\b{word}/", user_agent)), "")
    return ", ".join(filter(None, (browser, system)))
