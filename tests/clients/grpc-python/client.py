# Debian's python3-grpcio, which knows the services by server reflection alone: there is no .proto here.
# needs: grpc google.protobuf
import os
import sys
import threading

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

channel = grpc.insecure_channel(os.environ.get("SLUICE_GRPC", "127.0.0.1:50051"))
pool = descriptor_pool.DescriptorPool()
story = "Tell me a story about a fox and a lighthouse."


def check(name):
    def run(body):
        try:
            body()
            print("ok python3-grpcio " + name)
        except Exception as fault:
            print("not ok python3-grpcio %s: %s %s" % (name, type(fault).__name__, str(fault).replace("\n", " ")[:500]))
            check.failed = True
    return run


check.failed = False


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data, number):
    """The length-delimited fields of a message that have this number."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            if key >> 3 == number:
                yield data[at:at + value]
            at += value


def reflect(name, request):
    raw = lambda data: data
    return next(channel.stream_stream("/grpc.reflection.%s.ServerReflection/ServerReflectionInfo" % name, raw, raw)(iter([request])))


def learn(symbol):
    """Adds the files that define a symbol to what is known."""
    files = [descriptor_pb2.FileDescriptorProto.FromString(data)
             for response in fields(reflect("v1alpha", bytes([0x22, len(symbol)]) + symbol.encode()), 4) for data in fields(response, 1)]
    known = {file.name: file for file in files}

    def add(file):
        for name in file.dependency:
            if name in known:
                add(known[name])
        if file.name in known:
            del known[file.name]
            try:
                pool.FindFileByName(file.name)
            except KeyError:
                pool.Add(file)

    for file in files:
        add(file)


def message(name, **values):
    factory = message_factory.MessageFactory(pool)
    return factory.GetPrototype(pool.FindMessageTypeByName(name))(**values)


def method(name):
    service, _, short = name.rpartition("/")
    described = pool.FindServiceByName(service).FindMethodByName(short)
    factory = message_factory.MessageFactory(pool)
    shape = {"Generate": channel.unary_stream, "Chat": channel.stream_stream, "ModelStreamInfer": channel.stream_stream, "Watch": channel.unary_stream}.get(short, channel.unary_unary)
    return shape("/" + name, request_serializer=lambda m: m.SerializeToString(), response_deserializer=factory.GetPrototype(described.output_type).FromString)


def conversation(**values):
    return message("sluice.v1.GenerateRequest", conversation=message(
        "sluice.v1.Conversation", messages=[message("sluice.v1.Message", role="user", content=story)]), **values)


def generate(request, **options):
    return method("sluice.v1.Inference/Generate")(request, **options)


def text(events):
    return "".join(part.content for event in events for part in event.delta.parts)


whole = []


@check("finds the services and their definitions by reflection")
def _():
    for version in ("v1", "v1alpha"):
        names = [name.decode() for response in fields(reflect(version, b"\x3a\x00"), 6) for service in fields(response, 1) for name in fields(service, 1)]
        for name in ("sluice.v1.Inference", "inference.GRPCInferenceService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"):
            assert name in names, names
    for name in ("sluice.v1.Inference", "inference.GRPCInferenceService", "grpc.health.v1.Health"):
        learn(name)


@check("streams events in their order")
def _():
    call = generate(conversation(temperature=0, max_tokens=60))
    whole.extend(call)
    assert call.code() == grpc.StatusCode.OK
    assert [event.number for event in whole] == list(range(1, len(whole) + 1))
    assert whole[-1].WhichOneof("kind") == "finished" and len(text(whole)) > 40
    assert dict(call.initial_metadata())["sluice-stream"] == whole[0].stream


@check("stops in the middle")
def _():
    call = generate(conversation(max_tokens=900, ignore_eos=True))
    seen = 0
    for event in call:
        seen += 1
        if seen == 5:
            call.cancel()
            break
    get = method("sluice.v1.Inference/GetStream")
    for _ in range(200):
        state = get(message("sluice.v1.GetStreamRequest", stream=event.stream))
        if state.state == "cancelled":
            break
        threading.Event().wait(0.02)
    assert state.state == "cancelled" and state.usage.completion_tokens < 900, state


@check("is told of its deadline")
def _():
    try:
        for _ in generate(conversation(ignore_eos=True, n=8), timeout=0.5):
            pass
        assert False, "There was no error."
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error


@check("gets a clear error for bad input")
def _():
    try:
        list(generate(conversation(top_p=2)))
        assert False, "There was no error."
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        assert error.details() == "top_p is 2; it must be above 0 and at most 1.", error.details()
        assert any(key == "grpc-status-details-bin" and b"BadRequest" in value for key, value in error.trailing_metadata())


@check("reads a stream on after its call was cut")
def _():
    call = generate(conversation(temperature=0, max_tokens=60, on_disconnect=3))
    first = [next(call) for _ in range(6)]
    call.cancel()
    attach = message("sluice.v1.ChatRequest", tag="t", attach=message("sluice.v1.Attach", stream=first[0].stream, after=6))
    rest = [response.event for response in method("sluice.v1.Inference/Chat")(iter([attach]))]
    assert [event.number for event in first + rest] == list(range(1, len(whole) + 1))
    assert text(first + rest) == text(whole)


@check("carries many streams over one call with credits")
def _():
    acts = [message("sluice.v1.ChatRequest", tag=str(i), start=message("sluice.v1.Start", request=conversation(temperature=0, max_tokens=60), credit=2 if i == 0 else 100000)) for i in range(3)]
    more = threading.Event()

    def requests():
        yield from acts
        more.wait(30)
        yield message("sluice.v1.ChatRequest", tag="0", credit=message("sluice.v1.Credit", events=100000))

    events = {"0": [], "1": [], "2": []}
    for response in method("sluice.v1.Inference/Chat")(requests()):
        assert not response.HasField("error"), response
        events[response.tag].append(response.event)
        if all(events[tag] and events[tag][-1].WhichOneof("kind") == "finished" for tag in ("1", "2")) and not more.is_set():
            assert len(events["0"]) == 2, len(events["0"])
            more.set()
    assert {text(own) for own in events.values()} == {text(whole)}


@check("asks the health of the server")
def _():
    answer = method("grpc.health.v1.Health/Check")(message("grpc.health.v1.HealthCheckRequest"))
    assert answer.status == 1, answer


@check("takes and sends compressed messages")
def _():
    long = conversation(temperature=0, max_tokens=4, logprobs=20)
    long.conversation.messages[0].content = story + " Please." * 300
    assert list(generate(long, compression=grpc.Compression.Gzip))[-1].WhichOneof("kind") == "finished"


def infer(request_id, raw=False):
    request = message("inference.ModelInferRequest", id=request_id)
    tensor = request.inputs.add(name="text_input", datatype="BYTES", shape=[1])
    prompt = b"Once upon a time"
    if raw:
        request.raw_input_contents.append(len(prompt).to_bytes(4, "little") + prompt)
    else:
        tensor.contents.bytes_contents.append(prompt)
    request.parameters["max_tokens"].int64_param = 30
    request.parameters["temperature"].string_param = "0.0"
    return request


@check("infers by the Open Inference Protocol")
def _():
    plain = method("inference.GRPCInferenceService/ModelInfer")(infer("one"))
    raw = method("inference.GRPCInferenceService/ModelInfer")(infer("two", raw=True))
    answer = plain.outputs[0].contents.bytes_contents[0]
    assert len(answer) > 20 and raw.raw_output_contents[0][4:] == answer
    responses = [response.infer_response for response in method("inference.GRPCInferenceService/ModelStreamInfer")(iter([infer("a"), infer("b", raw=True)]))]
    first = b"".join(response.outputs[0].contents.bytes_contents[0] for response in responses if response.id == "a")
    second = b"".join(response.raw_output_contents[0][4:] for response in responses if response.id == "b")
    assert first == second == answer, (first, second, answer)
    assert [response.parameters["triton_final_response"].bool_param for response in responses if response.id == "a"][-2:] == [False, True]


sys.exit(1 if check.failed else 0)
