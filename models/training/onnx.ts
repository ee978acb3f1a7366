import protobuf from 'protobufjs';

/** The part of the ONNX format that a quantized classifier needs, by its published field numbers. */
const schema = `
syntax = "proto3";
package onnx;
message AttributeProto {
  string name = 1;
  int64 i = 3;
  repeated int64 ints = 8;
  int32 type = 20;
}
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  string name = 3;
  string op_type = 4;
  repeated AttributeProto attribute = 5;
}
message TensorProto {
  repeated int64 dims = 1;
  int32 data_type = 2;
  string name = 8;
  bytes raw_data = 9;
}
message Dimension { int64 dim_value = 1; }
message TensorShapeProto { repeated Dimension dim = 1; }
message TensorType { int32 elem_type = 1; TensorShapeProto shape = 2; }
message TypeProto { TensorType tensor_type = 1; }
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1;
  string name = 2;
  repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
}
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message StringStringEntryProto { string key = 1; string value = 2; }
message ModelProto {
  int64 ir_version = 1;
  string producer_name = 2;
  string doc_string = 6;
  GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8;
}
`;

const modelType = protobuf.parse(schema, { keepCase: true }).root.lookupType('onnx.ModelProto');

/** TensorProto.DataType. */
export const elementTypes = { float: 1, uint8: 2, int8: 3, int32: 6 } as const;
type ElementType = keyof typeof elementTypes;

type Node = {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly op_type: string;
  readonly attribute: readonly object[];
};

/** A graph as it grows; nodes are written in the order in which they are added. */
export type Graph = { readonly nodes: Node[]; readonly initializers: object[] };

export function createGraph(): Graph {
  return { nodes: [], initializers: [] };
}

/** Adds an operator with one output, named after it, and returns that name. */
export function addNode(
  graph: Graph,
  operator: string,
  output: string,
  input: readonly string[],
  attributes: Readonly<Record<string, number | readonly number[]>>,
): string {
  const attribute = Object.entries(attributes).map(([name, value]) =>
    // AttributeProto.AttributeType: INT is 2, INTS is 7.
    typeof value === 'number' ? { name, i: value, type: 2 } : { name, ints: value, type: 7 },
  );
  graph.nodes.push({ input, output: [output], name: output, op_type: operator, attribute });
  return output;
}

type Values = Float32Array | Uint8Array | Int8Array | Int32Array;

/** Adds a constant; no dimensions mean a scalar. The bytes are little-endian, as this machine's. */
export function addConstant(
  graph: Graph,
  name: string,
  values: Values,
  dims: readonly number[],
): string {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  graph.initializers.push({ name, dims, data_type: elementTypes[typeOf(values)], raw_data: raw });
  return name;
}

function typeOf(values: Values): ElementType {
  if (values instanceof Float32Array) return 'float';
  if (values instanceof Uint8Array) return 'uint8';
  return values instanceof Int8Array ? 'int8' : 'int32';
}

type Port = { readonly name: string; readonly type: ElementType; readonly dims: readonly number[] };

/** The model file's bytes. */
export function encodeModel(graph: Graph, input: Port, output: Port, about: string): Uint8Array {
  const port = ({ name, type, dims }: Port): object => ({
    name,
    type: {
      tensor_type: {
        elem_type: elementTypes[type],
        shape: { dim: dims.map((dim_value) => ({ dim_value })) },
      },
    },
  });
  const model = {
    ir_version: 8,
    producer_name: 'sightd',
    doc_string: about,
    opset_import: [{ domain: '', version: 13 }],
    graph: {
      name: 'scene-visitors',
      node: graph.nodes,
      initializer: graph.initializers,
      input: [port(input)],
      output: [port(output)],
    },
  };
  return modelType.encode(modelType.fromObject(model)).finish();
}
