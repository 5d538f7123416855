"""Rules of broadcasts: content, channels, states, the policy and the words."""
