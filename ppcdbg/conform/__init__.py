"""Agreement with the real KVM: guests run on the model, event for event beside what the kernel printed of them."""
